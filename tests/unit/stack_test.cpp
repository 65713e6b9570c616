// stack_test.cpp - stacks come, go and come back.
// SPDX-License-Identifier: BSL-1.0
#include <coir/stack.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "stack/mapping.hpp"
#include "stack/size_class.hpp"

#if COIR_HAS_VALGRIND
#include <valgrind/memcheck.h>
#endif

namespace {

using coir::stack;
using coir::stack_options;
using coir::stack_stats;

class Stack : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(stack_stats().live, 0u) << "leaked"; }
};

void touch(const stack& memory) {
  *(memory.top() - 1) = std::byte{1};
}

std::vector<stack> make(std::size_t count, stack_options options) {
  std::vector<stack> made;
  for (std::size_t i = 0; i < count; ++i) made.emplace_back(options);
  return made;
}

// An emulator of large pages answers mincore() for the small ones of its host.
bool residence_is_known() {
  const std::size_t page = coir::page_size();
  std::byte* memory = coir::map_pages(page);
  memory[page - 1] = std::byte{1};
  const bool known = coir::resident_below(memory + page, memory) == page;
  coir::unmap_pages(memory, page);
  return known;
}

TEST_F(Stack, HoldsWhatWasAskedFor) {
  const std::size_t page = coir::page_size();
  for (std::size_t size : {std::size_t{1}, page - 1, page, page + 1, std::size_t{65536},
                           std::size_t{100000}, std::size_t{1000000}, std::size_t{9999999}}) {
    for (std::size_t guard : {std::size_t{0}, std::size_t{1}, std::size_t{16384}}) {
      for (const stack& each : make(5, {.size = size, .guard_size = guard})) {
        EXPECT_GE(each.size(), size);
        EXPECT_LE(each.size(), coir::round_up(size + size / 8, page) + 2 * page);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(each.top()) % 64, 0u);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(each.limit()) % page, 0u);
      }
    }
  }
}

TEST_F(Stack, CanBeUsedFromTopToLimit) {
  stack memory({.size = 20000});
  std::memset(memory.limit(), 0xee, memory.size());
  if (residence_is_known()) {
    EXPECT_EQ(memory.touched(), memory.size());
  }
}

TEST_F(Stack, IsUntouchedAtFirst) {
  if (!residence_is_known()) GTEST_SKIP() << "the kernel does not say what is resident";
  stack memory({.size = 7 * coir::page_size()});
  EXPECT_EQ(memory.touched(), 0u);
  touch(memory);
  EXPECT_GE(memory.touched(), 1u);
  EXPECT_LE(memory.touched(), coir::page_size());
  *(memory.top() - 3 * coir::page_size()) = std::byte{1};
  EXPECT_GE(memory.touched(), 3 * coir::page_size());
  EXPECT_LE(memory.touched(), 4 * coir::page_size());
}

TEST_F(Stack, ReturnsToTheOneWhoFreedItLast) {
  std::byte *first, *second;
  {
    stack a;
    first = a.top();
    stack b;
    second = b.top();
  }
  // b went first, so a is the warmest.
  stack c, d;
  EXPECT_EQ(c.top(), first);
  EXPECT_EQ(d.top(), second);
}

TEST_F(Stack, IsSharedByAlmostEqualSizes) {
  std::byte* top = stack({.size = 100 * 4096}).top();
  EXPECT_EQ(stack({.size = 101 * 4096}).top(), top);
}

TEST_F(Stack, IsNotSharedByOtherGuards) {
  std::byte* top = stack({.size = 16384, .guard_size = 4096}).top();
  EXPECT_NE(stack({.size = 16384, .guard_size = 0}).top(), top);
}

TEST_F(Stack, HasAnOddNumberOfPagesToTheNextOne) {
  const std::size_t page = coir::page_size();
  for (std::size_t pages = 1; pages < 12; ++pages) {
    for (std::size_t guards = 0; guards < 3; ++guards) {
      const stack_options options{.size = pages * page, .guard_size = guards * page};
      std::vector<stack> made = make(8, options);
      std::vector<std::byte*> limits;
      for (const stack& each : made) limits.push_back(each.limit());
      std::sort(limits.begin(), limits.end());
      const std::size_t stride = coir::shape_for(options).stride;
      EXPECT_EQ(stride / page % 2, 1u) << pages << " pages, guard " << guards;
      for (std::size_t i = 1; i < limits.size(); ++i)
        EXPECT_EQ(static_cast<std::size_t>(limits[i] - limits[i - 1]) % stride, 0u);
    }
  }
}

TEST_F(Stack, HasTheColorOfItsPlace) {
  std::set<std::size_t> colors;
  for (const stack& each : make(32, {.size = 3 * coir::page_size(), .guard_size = 0})) {
    std::byte* end = coir::end_of_slot(each.top());
    colors.insert(static_cast<std::size_t>(end - each.top()));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(end) % coir::page_size(), 0u);
  }
  EXPECT_EQ(colors.size(), 32u);
  EXPECT_LT(*colors.rbegin(), coir::color_span);
}

TEST_F(Stack, LeavesItsPlaceWhenItMoves) {
  stack a;
  std::byte* top = a.top();
  stack b = std::move(a);
  EXPECT_EQ(a.top(), nullptr);
  EXPECT_EQ(a.touched(), 0u);
  EXPECT_EQ(b.top(), top);
  stack c;
  c = std::move(b);
  EXPECT_EQ(c.top(), top);
  EXPECT_EQ(stack_stats().live, 1u);
  stack& same = c;
  c = std::move(same);
  EXPECT_EQ(c.top(), top);
}

TEST_F(Stack, ComesFromTheHeapToo) {
  for (std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{65536}}) {
    stack memory = stack::from_heap(size);
    EXPECT_GE(memory.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.top()) % 64, 0u);
    std::memset(memory.limit(), 0xee, memory.size());
    EXPECT_LE(memory.touched(), memory.size());
    memory.set_owner(nullptr);
  }
  EXPECT_THROW(stack::from_heap(0), std::invalid_argument);
  EXPECT_THROW(stack::from_heap(SIZE_MAX), std::invalid_argument);
}

TEST_F(Stack, LiesOverMemoryOfTheCallers) {
  std::array<std::byte, 4096> memory;
  for (std::size_t skew : {std::size_t{0}, std::size_t{1}, std::size_t{63}}) {
    std::span<std::byte> part = std::span(memory).subspan(skew);
    {
      stack over = stack::over(part);
      EXPECT_EQ(over.limit(), part.data());
      EXPECT_GT(over.size() + 128, part.size());
      EXPECT_LE(over.top(), part.data() + part.size());
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(over.top()) % 64, 0u);
      EXPECT_EQ(over.touched(), 0u);
      stack moved = std::move(over);
      std::memset(moved.limit(), 0xee, moved.size());
    }
    std::memset(part.data(), 0, part.size());
  }
  EXPECT_THROW(stack::over(std::span(memory).first(1023)), std::invalid_argument);
}

TEST_F(Stack, IsCountedWhileInUse) {
  const coir::stack_statistics before = stack_stats();
  const std::size_t many = before.high_water + 300;
  {
    std::vector<stack> made = make(many, {.size = 1, .guard_size = 5 * coir::page_size()});
    EXPECT_EQ(stack_stats().live, many);
    EXPECT_EQ(stack_stats().high_water, many);
    EXPECT_GT(stack_stats().reserved_bytes, before.reserved_bytes + many * 6 * coir::page_size());
    made.resize(100);
    EXPECT_EQ(stack_stats().live, 100u);
    EXPECT_EQ(stack_stats().cached, before.cached + many - 100);
  }
  EXPECT_EQ(stack_stats().high_water, many);
  EXPECT_EQ(stack_stats().cached, before.cached + many);
}

TEST_F(Stack, CountsTheMostAtOnceNotTheMostOfEachSize) {
  const std::size_t many = stack_stats().high_water + 10;
  make(many, {.size = 1, .guard_size = 7 * coir::page_size()});
  make(many, {.size = 1, .guard_size = 9 * coir::page_size()});
  EXPECT_EQ(stack_stats().high_water, many);
}

TEST_F(Stack, NeedsFewMappingsForMany) {
  const std::size_t before = stack_stats().reservations;
  std::vector<stack> made = make(20000, {.size = coir::page_size(), .guard_size = 0});
  EXPECT_LE(stack_stats().reservations - before, 12u);
}

TEST_F(Stack, GivesItsPagesBackWhenTrimmed) {
  const stack_options options{.size = 6 * coir::page_size()};
  std::byte* top;
  {
    stack memory(options);
    touch(memory);
    top = memory.top();
  }
  EXPECT_GE(stack_stats().cached, 1u);
  coir::trim_stacks();
  EXPECT_EQ(stack_stats().cached, 0u);
  stack again(options);
  EXPECT_EQ(again.top(), top);
  EXPECT_EQ(again.touched(), 0u);
#if COIR_HAS_VALGRIND
  // To Valgrind the memory of a new owner is undefined, but pages of the kernel's are zero.
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(again.top() - 1, 1));
#endif
  EXPECT_EQ(*(again.top() - 1), std::byte{0});
}

TEST_F(Stack, BeyondAWatermarkGivesItsPagesBackUnasked) {
  const stack_options large{.size = 8 << 20};
  coir::trim_stacks();
  {
    std::vector<stack> made = make(100, large);
    for (const stack& each : made) touch(each);
  }
  const std::size_t cached = stack_stats().cached;
  EXPECT_GT(cached, 10u);
  EXPECT_LT(cached, 50u);
  if (!residence_is_known()) return;
  std::size_t warm = 0;
  for (const stack& each : make(100, large)) warm += each.touched() != 0 ? 1 : 0;
  EXPECT_EQ(warm, cached);
}

TEST_F(Stack, KeepsItsPagesOtherwise) {
  if (!residence_is_known()) GTEST_SKIP() << "the kernel does not say what is resident";
  const stack_options options{.size = 1, .guard_size = 11 * coir::page_size()};
  {
    std::vector<stack> made = make(500, options);
    for (const stack& each : made) touch(each);
  }
  for (const stack& each : make(500, options)) EXPECT_NE(each.touched(), 0u);
}

}  // namespace
