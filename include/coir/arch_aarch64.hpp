// arch_aarch64.hpp - the inline switch for AArch64, AAPCS64.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/arch.hpp>
#include <coir/thread_state.hpp>

#if defined(__aarch64__)  // elsewhere an empty header, like the others of its kind

namespace coir {
inline namespace v1 {

// A landing pad for indirect jumps, where the program is compiled with branch protection.
#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define COIR_LANDING "hint #36\n\t"
#else
#define COIR_LANDING ""
#endif
#if defined(__ARM_FEATURE_SVE)
#define COIR_CLOBBER_SVE                                                                           \
  , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", \
      "p15", "ffr"
#else
#define COIR_CLOBBER_SVE
#endif

// Of v8-v15 the convention keeps the low halves only; the clobbers name the whole registers. x18 is
// free on Linux; where it belongs to the platform it never changes within a thread.
[[gnu::always_inline]] inline void inline_switch(switch_frame*& self, switch_frame*& to,
                                                 void*& word) noexcept {
  register switch_frame* resumer asm("x0") = self;
  register switch_frame* resumed asm("x1") = to;
  register void* sent asm("x2") = word;
  asm volatile(
      "adr x17, 1f\n\t"
      "mov x16, sp\n\t"
      "stp x16, x29, [x0]\n\t"
      "str x17, [x0, #16]\n\t"
      "ldp x16, x29, [x1]\n\t"
      "ldr x17, [x1, #16]\n\t"
      "mov sp, x16\n\t"
      "br x17\n"
      "1:\n\t" COIR_LANDING
      : "+r"(resumer), "+r"(resumed), "+r"(sent)
      :
      : "memory", "cc", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
        "x15", "x16", "x17",
#if defined(__linux__)
        "x18",
#endif
        "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1",
        "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
        "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
        "v29", "v30", "v31" COIR_CLOBBER_SVE);
  self = resumed;
  to = resumer;
  word = sent;
}

#undef COIR_LANDING
#undef COIR_CLOBBER_SVE

// Leaves for good: nobody comes back, so nothing is saved.
[[noreturn, gnu::always_inline]] inline void inline_leave(switch_frame* self, switch_frame* to,
                                                          void* word) noexcept {
  register switch_frame* resumer asm("x0") = self;
  register switch_frame* resumed asm("x1") = to;
  register void* sent asm("x2") = word;
  asm volatile(
      "ldp x16, x29, [x1]\n\t"
      "ldr x17, [x1, #16]\n\t"
      "mov sp, x16\n\t"
      "br x17"
      :
      : "r"(resumer), "r"(resumed), "r"(sent)
      : "memory");
  __builtin_unreachable();
}

[[gnu::always_inline]] inline void* stack_pointer() noexcept {
  void* sp;
  asm volatile("mov %0, sp" : "=r"(sp));
  return sp;
}

// Volatile, so that no compiler keeps the address across a switch; initial-exec.
[[gnu::always_inline]] inline thread_state& calling_thread() noexcept {
  thread_state* state;
  void* offset;
  asm volatile(
      "mrs %0, tpidr_el0\n\t"
      "adrp %1, :gottprel:coir_thread_state\n\t"
      "ldr %1, [%1, #:gottprel_lo12:coir_thread_state]\n\t"
      "add %0, %0, %1"
      : "=&r"(state), "=&r"(offset));
  return *state;
}

[[gnu::always_inline]] inline exception_globals& calling_thread_exceptions() noexcept {
  return *calling_thread().exceptions;
}

[[gnu::always_inline]] inline worker* calling_thread_worker() noexcept {
  return calling_thread().worker;
}

}  // namespace v1
}  // namespace coir

#endif
