// arch.hpp - what the inline switch needs to know of one instruction set; picks the file of ours.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/config.hpp>

namespace coir {
inline namespace v1 {

// A suspended computation, as a switch sees it:
//
//         +----+
//      0  | sp |  its stack pointer
//      8  | bp |  its frame pointer, which no compiler lets inline assembly clobber
//     16  | ip |  where it goes on
//         +----+
//
// All other registers are the compiler's: an inline switch clobbers every one of them, so what is
// live across it is saved by the code around it, and nothing else is. The floating-point
// environment (mxcsr and x87 control word, fpcr, fcsr) and the signal mask are not saved: they
// belong to the thread. One who changes them in a computation saves them around its switches.
struct switch_frame {
  void* sp;
  void* bp;
  void* ip;
};

}  // namespace v1
}  // namespace coir

// Each file defines, for its instruction set:
//
//   inline_switch(self, to, word)   stores the running computation in *self and resumes *to.
//                                   On arrival `self` is who runs now, `to` who resumed it and
//                                   `word` what the resumer sent: all three stay in registers.
//   inline_leave(self, to, word)    resumes *to for good: *self is no computation any more.
//   stack_pointer()                 the value of the stack pointer, here.
//   calling_thread()                the one door to thread_state, see thread_state.hpp.
//   calling_thread_exceptions()     what the hot paths want of it, by the same door;
//   calling_thread_worker()         likewise.
//
// COIR_INLINE_SWITCH says whether there is one.
#if defined(__x86_64__) && !defined(__ILP32__) && !defined(_WIN32) && defined(__GNUC__)
#define COIR_INLINE_SWITCH 1
#include <coir/arch_x86_64.hpp>
#elif defined(__aarch64__) && !defined(__ILP32__) && !defined(_WIN32) && defined(__GNUC__)
#define COIR_INLINE_SWITCH 1
#include <coir/arch_aarch64.hpp>
#elif defined(__riscv) && __riscv_xlen == 64 && defined(__riscv_float_abi_double) && \
    defined(__GNUC__)
#define COIR_INLINE_SWITCH 1
#include <coir/arch_riscv64.hpp>
#else
#define COIR_INLINE_SWITCH 0
#include <coir/arch_generic.hpp>
#endif
