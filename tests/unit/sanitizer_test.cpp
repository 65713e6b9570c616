// sanitizer_test.cpp - the sanitizers see through a switch: what is wrong inside a context is
// found. SPDX-License-Identifier: BSL-1.0
#include <coir/context.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "support/contexts.hpp"

namespace {

template <class Context>
class SanitizerTest : public testing::Test {};
TYPED_TEST_SUITE(SanitizerTest, coir_test::every_context, coir_test::context_names);

#if COIR_TSAN

template <class Context>
typename Context::departure increments(Context& self, Context& resumer, void* shared) {
  for (int i = 0; i < 100; ++i) {
    ++*static_cast<int*>(shared);
    Context::switch_to(self, resumer, nullptr);
  }
  return {&resumer, nullptr};
}

// Two contexts, each in a thread of its own, increment one plain int.
template <class Context>
void race() {
  int shared = 0;
  std::atomic<int> begun{0};
  auto work = [&] {
    coir::stack memory;
    Context here, there(memory.top(), memory.limit(), &increments<Context>);
    // Relaxed, so that the meeting orders nothing: only that both are there to race.
    begun.fetch_add(1, std::memory_order_relaxed);
    while (begun.load(std::memory_order_relaxed) < 2) std::this_thread::yield();
    for (int i = 0; i < 101; ++i) Context::switch_to(here, there, &shared);
  };
  std::thread one(work), two(work);
  one.join();
  two.join();
  std::exit(0);
}

TYPED_TEST(SanitizerTest, ARaceBetweenTwoContextsIsReported) {
  // 66 is ThreadSanitizer's exit code for a program with reports.
  EXPECT_EXIT(race<TypeParam>(), testing::ExitedWithCode(66), "data race");
}

#elif COIR_ASAN

int* volatile escaped;

[[gnu::noinline]] void lets_a_local_escape() {
  int local = 1;
  escaped = &local;
}

template <class Context>
typename Context::departure uses_after_return(Context& self, Context& resumer, void*) {
  lets_a_local_escape();
  Context::switch_to(self, resumer, nullptr);
  *escaped = 2;
  return {&resumer, nullptr};
}

template <class Context>
typename Context::departure overruns(Context& self, Context& resumer, void* index) {
  char buffer[8] = {};
  char* volatile begin = buffer;  // so that it is no array any more, whose bounds UBSan would know
  Context::switch_to(self, resumer, nullptr);
  begin[*static_cast<volatile int*>(index)] = 1;
  Context::switch_to(self, resumer, begin);
  return {&resumer, nullptr};
}

template <class Context>
void run_twice(typename Context::entry body, void* word) {
  coir::stack memory;
  Context here, there(memory.top(), memory.limit(), body);
  Context::switch_to(here, there, word);
  Context::switch_to(here, there, word);
}

TYPED_TEST(SanitizerTest, AUseAfterReturnInAContextIsReported) {
  EXPECT_DEATH(run_twice<TypeParam>(&uses_after_return<TypeParam>, nullptr),
               "stack-use-after-return");
}

TYPED_TEST(SanitizerTest, AnOverrunInAContextIsReported) {
  int index = 8;
  EXPECT_DEATH(run_twice<TypeParam>(&overruns<TypeParam>, &index), "stack-buffer-overflow");
}

#else

TYPED_TEST(SanitizerTest, HooksCostNothingWhenOff) {
  EXPECT_TRUE(std::is_empty_v<coir::switch_hooks>);
#if COIR_HAS_ASM
  EXPECT_EQ(sizeof(coir::asm_context), 3 * sizeof(void*));
#endif
}

#endif

}  // namespace
