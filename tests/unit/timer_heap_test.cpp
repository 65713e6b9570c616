// timer_heap_test.cpp - the heap of deadlines against a sorted list.
// SPDX-License-Identifier: BSL-1.0
#include "sched/timer_heap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using waiters = std::vector<std::unique_ptr<coir::waiter>>;

coir::waiter& add(waiters& all, coir::timer_heap& heap, std::int64_t at) {
  all.push_back(std::make_unique<coir::waiter>("a test"));
  all.back()->until = coir::deadline(at);
  heap.insert(*all.back());
  return *all.back();
}

TEST(TimerHeap, GivesTheSoonestFirst) {
  coir::timer_heap heap;
  waiters all;
  EXPECT_TRUE(heap.empty());
  for (std::int64_t at : {5, 3, 8, 1, 9, 2, 7, 4, 6, 0, -4}) add(all, heap, at);
  EXPECT_EQ(heap.size(), 11U);
  std::vector<std::int64_t> order;
  while (!heap.empty()) {
    order.push_back(heap.soonest());
    EXPECT_EQ(heap.first().until.nanoseconds(), heap.soonest());
    heap.remove(heap.first());
  }
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 11U);
}

TEST(TimerHeap, GivesEqualOnesInTheOrderInWhichTheyCame) {
  coir::timer_heap heap;
  waiters all;
  for (std::int64_t at : {2, 1, 2, 1, 1, 2, 1, 2, 2, 1, 1, 2, 2}) add(all, heap, at);
  heap.remove(*all[4]);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tuple(a->until.nanoseconds(), a->timer_turn) <
           std::tuple(b->until.nanoseconds(), b->timer_turn);
  });
  for (const auto& expected : all) {
    if (expected->timer_turn == 4) continue;  // the one that was taken out
    EXPECT_EQ(&heap.first(), expected.get());
    heap.remove(heap.first());
  }
  EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, AnyWaiterCanBeTakenOut) {
  for (std::size_t victim = 0; victim < 30; ++victim) {
    coir::timer_heap heap;
    waiters all;
    for (int i = 0; i < 30; ++i) add(all, heap, (i * 17) % 30);
    heap.remove(*all[victim]);
    std::int64_t last = -1;
    for (int i = 0; i < 29; ++i) {
      EXPECT_NE(&heap.first(), all[victim].get());
      EXPECT_LE(last, heap.soonest());
      last = heap.soonest();
      heap.remove(heap.first());
    }
    EXPECT_TRUE(heap.empty());
  }
}

TEST(TimerHeap, DoesWhatASortedListDoes) {
  std::mt19937 random(12345);
  coir::timer_heap heap;
  waiters all;
  std::multiset<std::int64_t> sorted;
  std::vector<coir::waiter*> inside;
  for (int step = 0; step < 20'000; ++step) {
    if (inside.empty() || random() % 100 < 52) {
      auto at = static_cast<std::int64_t>(random() % 1'000);
      inside.push_back(&add(all, heap, at));
      sorted.insert(at);
    } else {
      coir::waiter* gone = &heap.first();
      if (random() % 2 == 0) gone = inside[random() % inside.size()];
      sorted.erase(sorted.find(gone->until.nanoseconds()));
      std::erase(inside, gone);
      heap.remove(*gone);
    }
    ASSERT_EQ(heap.size(), sorted.size());
    if (!sorted.empty()) {
      ASSERT_EQ(heap.soonest(), *sorted.begin());
    }
  }
}

}  // namespace
