// stack_guard_test.cpp - below every stack lies what nobody may touch, and what can step over it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/config.hpp>
#include <coir/coroutine.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "stack/guard.hpp"
#include "stack/mapping.hpp"

// stack_guard_probe.cpp, compiled with and without -fstack-clash-protection: a function with a
// frame of that many bytes, of which it writes the lowest.
extern "C" void coir_test_probe_plain(std::size_t bytes);
extern "C" void coir_test_probe_clash(std::size_t bytes);

namespace {

using coir::stack;
using coir::stack_options;
using coir::stack_stats;

class StackGuard : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(stack_stats().live, 0u) << "leaked"; }
};

// Whether the kernel finds it readable: it says so with no signal.
bool readable(const std::byte* address) {
  std::array<int, 2> ends;
  if (pipe(ends.data()) != 0) std::abort();
  const bool read = write(ends[1], address, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return read;
}

bool guarded(const stack& memory, std::size_t bytes) {
  if (!readable(memory.limit()) || !readable(memory.top() - 1)) return false;
  for (std::size_t below = 1; below <= bytes; below += coir::page_size())
    if (readable(memory.limit() - below)) return false;
  return !readable(memory.limit() - bytes);
}

void demand(bool condition, const char* otherwise) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", otherwise);
  std::_Exit(1);
}

TEST_F(StackGuard, LiesBelowTheLimit) {
  for (std::size_t size : {std::size_t{1}, std::size_t{100000}, std::size_t{3000000}})
    for (std::size_t guard : {std::size_t{1}, std::size_t{16384}, std::size_t{200000}}) {
      stack one({.size = size, .guard_size = guard}), two({.size = size, .guard_size = guard});
      EXPECT_TRUE(guarded(one, guard)) << size << " " << guard;
      EXPECT_TRUE(guarded(two, guard)) << size << " " << guard;
    }
}

TEST_F(StackGuard, IsAbsentWhenNotAskedFor) {
  std::vector<stack> made;
  for (int i = 0; i < 4; ++i) made.emplace_back(stack_options{.size = 100000, .guard_size = 0});
  for (const stack& each : made) EXPECT_TRUE(readable(each.limit() - 1));
}

TEST_F(StackGuard, OutlivesRecyclingAndTrimming) {
  std::byte* limit;
  {
    stack memory({.size = 44444});
    limit = memory.limit();
    std::memset(memory.limit(), 1, memory.size());
  }
  EXPECT_FALSE(readable(limit - 1));
  coir::trim_stacks();
  EXPECT_FALSE(readable(limit - 1));
  stack again({.size = 44444});
  EXPECT_TRUE(guarded(again, 16384));
}

void guard_by_mapping() {
  coir::set_guard_limits({.light = false, .mappings = 1000});
  demand(!stack_stats().light_guards, "still light");
  std::vector<stack> made;
  for (int i = 0; i < 100; ++i) made.emplace_back(stack_options{.size = 55555});
  for (const stack& each : made) demand(guarded(each, 16384), "no guard");
  made.clear();
  coir::trim_stacks();
  stack again({.size = 55555});
  demand(guarded(again, 16384), "no guard after trimming");
  std::_Exit(0);
}

TEST_F(StackGuard, IsOfTheHeavyKindWhereTheKernelHasNoOther) {
  EXPECT_EXIT(guard_by_mapping(), testing::ExitedWithCode(0), "");
}

void guard_locked_memory() {
  stack before({.size = 66666});
  demand(guarded(before, 16384), "no guard");
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    std::fprintf(stderr, "may not lock\n");
    std::_Exit(0);
  }
  stack same_mapping({.size = 66666}), other_mapping({.size = 77777});
  demand(guarded(before, 16384), "lost its guard");
  demand(guarded(same_mapping, 16384), "no guard in a mapping that was locked later");
  demand(guarded(other_mapping, 16384), "no guard in a locked mapping");
  munlockall();
  std::_Exit(0);
}

TEST_F(StackGuard, WorksInLockedMemory) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "a sanitizer's memory cannot be locked";
#endif
  EXPECT_EXIT(guard_locked_memory(), testing::ExitedWithCode(0), "");
}

TEST_F(StackGuard, EndsTheProcessThatTouchesIt) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "a sanitizer takes the signal for itself";
#endif
  auto touch = [](bool light) {
    if (!light) coir::set_guard_limits({.light = false, .mappings = 2});
    stack memory({.size = 88888});
    *const_cast<volatile std::byte*>(memory.limit() - 1) = std::byte{1};
  };
  EXPECT_EXIT(touch(true), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(touch(false), testing::KilledBySignal(SIGSEGV), "");
}

// Several neighbors, the highest of them first. Compilers for AArch64 count on a guard of 64 KiB.
std::vector<stack> neighbors() {
  std::vector<stack> made;
  for (int i = 0; i < 6; ++i)
    made.emplace_back(stack_options{.size = 8 * coir::page_size(), .guard_size = 65536});
  std::sort(made.begin(), made.end(),
            [](const stack& a, const stack& b) { return a.top() > b.top(); });
  return made;
}

// Runs the probe on the highest stack, with a frame that ends in the middle of the next one.
void probe(const std::vector<stack>& on, void (*function)(std::size_t)) {
  struct order {
    void (*function)(std::size_t);
    std::size_t bytes;
  };
  const stack& mine = on[0];
  order given{function, static_cast<std::size_t>(mine.top() - on[1].limit()) - on[1].size() / 2};
  coir::coroutine run(mine.top(), mine.limit(), [](coir::coroutine&, void* word) -> void* {
    auto& what = *static_cast<order*>(word);
    what.function(what.bytes);
    return nullptr;
  });
  run.resume(&given);
}

TEST_F(StackGuard, IsSteppedOverByAFrameLargerThanIt) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "a sanitizer lays out frames in its own way";
#endif
  std::vector<stack> made = neighbors();
  probe(made, &coir_test_probe_plain);
  EXPECT_EQ(std::count(made[1].limit(), made[1].top(), std::byte{1}), 1) << "on the neighbor";
}

TEST_F(StackGuard, CatchesALargeFrameCompiledWithStackClashProtection) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "a sanitizer lays out frames in its own way";
#elif !COIR_TEST_STACK_CLASH
  GTEST_SKIP() << "this compiler has no -fstack-clash-protection for this target";
#endif
  auto run = [] {
    std::vector<stack> made = neighbors();
    probe(made, &coir_test_probe_clash);
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGSEGV), "coir: stack overflow");
}

#if COIR_ASAN
// Leaves from within a frame that AddressSanitizer laid out, and is never resumed.
void* abandons_a_frame(coir::coroutine& self, void*) {
  volatile char large[3000];
  large[0] = 1;
  self.suspend(const_cast<char*>(&large[0]));
  return nullptr;
}
#endif

TEST_F(StackGuard, IsAllThatIsPoisonedWhenAStackComesBack) {
#if !COIR_ASAN
  GTEST_SKIP() << "only AddressSanitizer poisons frames";
#else
  stack memory;
  {
    coir::coroutine dropped(memory.top(), memory.limit(), &abandons_a_frame);
    dropped.resume(nullptr);
  }
  std::byte* top = memory.top();
  memory = stack();
  stack again;
  ASSERT_EQ(again.top(), top);
  std::memset(again.limit(), 0, again.size());
#endif
}

}  // namespace
