// arch_riscv64.hpp - the inline switch for RISC-V 64, lp64d.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/arch.hpp>
#include <coir/thread_state.hpp>

#if defined(__riscv)  // elsewhere an empty header, like the others of its kind

namespace coir {
inline namespace v1 {

#if defined(__riscv_vector)
#define COIR_CLOBBER_VECTOR                                                                      \
  , "vl", "vtype", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",     \
      "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", \
      "v25", "v26", "v27", "v28", "v29", "v30", "v31"
#else
#define COIR_CLOBBER_VECTOR
#endif

// The jump goes through t1: ra and t0 are link registers, and a jump through them is taken for a
// return by the return predictor.
[[gnu::always_inline]] inline void inline_switch(switch_frame*& self, switch_frame*& to,
                                                 void*& word) noexcept {
  register switch_frame* resumer asm("a0") = self;
  register switch_frame* resumed asm("a1") = to;
  register void* sent asm("a2") = word;
  asm volatile(
      "lla t1, 1f\n\t"
      "sd sp, 0(a0)\n\t"
      "sd s0, 8(a0)\n\t"
      "sd t1, 16(a0)\n\t"
      "ld t1, 16(a1)\n\t"
      "ld s0, 8(a1)\n\t"
      "ld sp, 0(a1)\n\t"
      "jr t1\n"
      "1:"
      : "+r"(resumer), "+r"(resumed), "+r"(sent)
      :
      : "memory", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra",
        "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "ft0", "ft1", "ft2",
        "ft3", "ft4", "ft5", "ft6", "ft7", "ft8", "ft9", "ft10", "ft11", "fa0", "fa1", "fa2", "fa3",
        "fa4", "fa5", "fa6", "fa7", "fs0", "fs1", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8",
        "fs9", "fs10", "fs11" COIR_CLOBBER_VECTOR);
  self = resumed;
  to = resumer;
  word = sent;
}

#undef COIR_CLOBBER_VECTOR

// Leaves for good: nobody comes back, so nothing is saved.
[[noreturn, gnu::always_inline]] inline void inline_leave(switch_frame* self, switch_frame* to,
                                                          void* word) noexcept {
  register switch_frame* resumer asm("a0") = self;
  register switch_frame* resumed asm("a1") = to;
  register void* sent asm("a2") = word;
  asm volatile(
      "ld t1, 16(a1)\n\t"
      "ld s0, 8(a1)\n\t"
      "ld sp, 0(a1)\n\t"
      "jr t1"
      :
      : "r"(resumer), "r"(resumed), "r"(sent)
      : "memory");
  __builtin_unreachable();
}

[[gnu::always_inline]] inline void* stack_pointer() noexcept {
  void* sp;
  asm volatile("mv %0, sp" : "=r"(sp));
  return sp;
}

// Volatile, so that no compiler keeps the address across a switch; initial-exec.
[[gnu::always_inline]] inline thread_state& calling_thread() noexcept {
  thread_state* state;
  asm volatile("la.tls.ie %0, coir_thread_state\n\tadd %0, %0, tp" : "=&r"(state));
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
