// arch_x86_64.hpp - the inline switch for x86-64, System V.
// SPDX-License-Identifier: BSL-1.0
// Budget: three stores, two taken branches; about 2.5 cycles there, and no stale return prediction.
#pragma once

#include <coir/arch.hpp>
#include <coir/thread_state.hpp>

#if defined(__x86_64__)  // elsewhere an empty header, like the others of its kind

namespace coir {
inline namespace v1 {

// The label is reached by an indirect jump, so it wants a landing pad where the program is
// compiled with indirect branch tracking.
#if defined(__CET__) && (__CET__ & 1)
#define COIR_LANDING "endbr64\n\t"
#else
#define COIR_LANDING ""
#endif

// Registers that exist only with some -m options, and may be named only then.
#if defined(__AVX512F__)
#define COIR_CLOBBER_AVX512                                                                     \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",   \
      "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", \
      "k6", "k7"
#else
#define COIR_CLOBBER_AVX512
#endif
#if defined(__APX_F__)
#define COIR_CLOBBER_APX                                                                       \
  , "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", \
      "r29", "r30", "r31"
#else
#define COIR_CLOBBER_APX
#endif

// Nothing is pushed or called here: a leaf function's red zone lies below the stack pointer.
[[gnu::always_inline]] inline void inline_switch(switch_frame*& self, switch_frame*& to,
                                                 void*& word) noexcept {
  switch_frame* resumer = self;
  switch_frame* resumed = to;
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, 0(%%rdi)\n\t"
      "movq %%rbp, 8(%%rdi)\n\t"
      "movq %%rax, 16(%%rdi)\n\t"
      "movq 0(%%rsi), %%rsp\n\t"
      "movq 8(%%rsi), %%rbp\n\t"
      "jmpq *16(%%rsi)\n"
      "1:\n\t" COIR_LANDING
      : "+D"(resumer), "+S"(resumed), "+d"(word)
      :
      : "memory", "cc", "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)",
        "st(5)", "st(6)", "st(7)" COIR_CLOBBER_AVX512 COIR_CLOBBER_APX);
  self = resumed;
  to = resumer;
}

#undef COIR_LANDING
#undef COIR_CLOBBER_AVX512
#undef COIR_CLOBBER_APX

// Leaves for good: nobody comes back, so nothing is saved.
[[noreturn, gnu::always_inline]] inline void inline_leave(switch_frame* self, switch_frame* to,
                                                          void* word) noexcept {
  asm volatile(
      "movq 0(%%rsi), %%rsp\n\t"
      "movq 8(%%rsi), %%rbp\n\t"
      "jmpq *16(%%rsi)"
      :
      : "D"(self), "S"(to), "d"(word)
      : "memory");
  __builtin_unreachable();
}

[[gnu::always_inline]] inline void* stack_pointer() noexcept {
  void* sp;
  asm volatile("movq %%rsp, %0" : "=r"(sp));
  return sp;
}

// Volatile, so that no compiler keeps the address across a switch; initial-exec, so that it is two
// instructions in a program as in a shared library.
[[gnu::always_inline]] inline thread_state& calling_thread() noexcept {
  thread_state* state;
  asm volatile("movq %%fs:0, %0\n\taddq coir_thread_state@gottpoff(%%rip), %0"
               : "=r"(state)
               :
               : "cc");
  return *state;
}

// calling_thread().exceptions, without the address of the rest.
[[gnu::always_inline]] inline exception_globals& calling_thread_exceptions() noexcept {
  static_assert(offsetof(thread_state, exceptions) == 0);
  exception_globals* record;
  asm volatile("movq coir_thread_state@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(record));
  return *record;
}

[[gnu::always_inline]] inline worker* calling_thread_worker() noexcept {
  static_assert(offsetof(thread_state, worker) == 16);
  worker* running;
  asm volatile("movq coir_thread_state@gottpoff(%%rip), %0\n\tmovq %%fs:16(%0), %0"
               : "=r"(running));
  return running;
}

}  // namespace v1
}  // namespace coir

#endif
