// context_walk_test.cpp - what debuggers see of a context: a stack that ends at its root.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>
#include <unwind.h>

#include <cfenv>
#include <cstdint>
#include <vector>

#if COIR_HAS_ASM

#include "arch/switch_frame.hpp"

namespace {

using coir::asm_context;
using addresses = std::vector<std::uintptr_t>;

_Unwind_Reason_Code note(_Unwind_Context* frame, void* list) {
  auto& found = *static_cast<addresses*>(list);
  // The unwinder reports the undefined return address of the root as a last frame at zero.
  if (std::uintptr_t address = _Unwind_GetIP(frame); address != 0) found.push_back(address);
  return found.size() < 100 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

[[gnu::noinline]] addresses walk() {
  addresses found;
  _Unwind_Backtrace(&note, &found);
  return found;
}

[[gnu::noinline]] addresses walk_at_depth(int depth) {
  if (depth == 0) return walk();
  addresses found = walk_at_depth(depth - 1);
  EXPECT_FALSE(found.empty());
  return found;
}

bool in_root(std::uintptr_t address) {
  auto root = reinterpret_cast<std::uintptr_t>(&coir_context_start);
  return root < address && address < root + 64;
}

asm_context::departure walks(asm_context& self, asm_context& resumer, void* out) {
  auto& found = *static_cast<addresses*>(out);
  found = walk_at_depth(5);
  asm_context::switch_to(self, resumer, nullptr);
  found = walk_at_depth(7);
  return {&resumer, nullptr};
}

TEST(ContextWalk, EndsAtTheRootAndNotBeyond) {
  coir::stack memory;
  asm_context here, there(memory.top(), memory.limit(), &walks);
  addresses found;
  for (std::size_t least : {8U, 10U}) {
    asm_context::switch_to(here, there, &found);
    ASSERT_GE(found.size(), least);
    ASSERT_LT(found.size(), least + 6);
    EXPECT_TRUE(in_root(found.back())) << std::hex << found.back() << " is not in "
                                       << reinterpret_cast<std::uintptr_t>(&coir_context_start);
  }
}

asm_context::departure waits(asm_context& self, asm_context& resumer, void*) {
  asm_context::call_switch(self, resumer, nullptr);
  return {&resumer, nullptr};
}

TEST(ContextWalk, TheMirrorOfTheFrameLiesWhereTheAssemblyPutIt) {
  coir::stack memory;
  asm_context here, there(memory.top(), memory.limit(), &waits);
  asm_context::switch_to(here, there, nullptr);
  auto* frame = static_cast<coir::saved_registers*>(there.frame().sp);
  EXPECT_LT(static_cast<void*>(memory.limit()), static_cast<void*>(frame));
  EXPECT_LT(static_cast<void*>(frame + 1), static_cast<void*>(memory.top()));
  // The call came from the code of `waits` or of call_switch, which is near to it in this program.
  auto from = reinterpret_cast<std::intptr_t>(frame->return_address);
  auto text = reinterpret_cast<std::intptr_t>(&waits);
  EXPECT_LT(from > text ? from - text : text - from, 64 << 20);
  asm_context::switch_to(here, there, nullptr);
}

#if defined(__x86_64__)
// Loads known values into the callee-saved registers and leaves by the function.
[[gnu::noinline]] void leave_with_known_registers(asm_context& self, asm_context& to) {
  const void* from = &self.frame();
  const void* other = &to.frame();
  void* word = nullptr;
  asm volatile(
      "subq $128, %%rsp\n\t"
      "movq $11, %%rbx\n\tmovq $12, %%r12\n\tmovq $13, %%r13\n\t"
      "movq $14, %%r14\n\tmovq $15, %%r15\n\t"
      "call coir_context_switch\n\t"
      "addq $128, %%rsp\n\t"
      "subq $11, %%rbx\n\tsubq $12, %%r12\n\tsubq $13, %%r13\n\t"
      "subq $14, %%r14\n\tsubq $15, %%r15\n\t"
      "movq %%rbx, %2\n\torq %%r12, %2\n\torq %%r13, %2\n\torq %%r14, %2\n\torq %%r15, %2"
      : "+D"(from), "+S"(other), "+d"(word)
      :
      : "memory", "cc", "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  EXPECT_EQ(word, nullptr) << "a callee-saved register came back changed";
}

asm_context::departure reads_mirror(asm_context& self, asm_context& resumer, void*) {
  auto* frame = static_cast<coir::saved_registers*>(resumer.frame().sp);
  EXPECT_EQ(frame->rbx, 11U);
  EXPECT_EQ(frame->r12, 12U);
  EXPECT_EQ(frame->r13, 13U);
  EXPECT_EQ(frame->r14, 14U);
  EXPECT_EQ(frame->r15, 15U);
  asm_context::switch_to(self, resumer, nullptr);
  return {&resumer, nullptr};
}

TEST(ContextWalk, TheCallKeepsTheCalleeSavedRegisters) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "the registers are loaded without telling the sanitizer of the switch";
#endif
  coir::stack memory;
  asm_context here, there(memory.top(), memory.limit(), &reads_mirror);
  leave_with_known_registers(here, there);
  asm_context::switch_to(here, there, nullptr);
}
#endif

asm_context::departure rounds_up(asm_context& self, asm_context& resumer, void*) {
  std::fesetround(FE_UPWARD);
  asm_context::switch_to(self, resumer, nullptr);
  return {&resumer, nullptr};
}

TEST(ContextWalk, TheFloatingPointEnvironmentBelongsToTheThread) {
  int before = std::fegetround();
  coir::stack memory;
  asm_context here, there(memory.top(), memory.limit(), &rounds_up);
  asm_context::switch_to(here, there, nullptr);
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  std::fesetround(before);
  asm_context::switch_to(here, there, nullptr);
}

}  // namespace

#endif
