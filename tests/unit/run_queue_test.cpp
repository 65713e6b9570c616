// run_queue_test.cpp - the ring of ready fibers against a list.
// SPDX-License-Identifier: BSL-1.0
#include <coir/run_queue.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace {

using coir::fiber;
using coir::run_queue;

class RunQueue : public testing::Test {
 protected:
  fiber& make(bool pinned = false) {
    fibers_.push_back(std::make_unique<fiber>());
    fibers_.back()->pinned = pinned;
    return *fibers_.back();
  }
  fiber& push() {
    fiber& f = make();
    queue_.reserve();
    queue_.push_back(f);
    return f;
  }
  fiber& push_fresh() {
    fiber& f = make();
    queue_.reserve();
    queue_.push_back_fresh(f);
    return f;
  }
  // The next one, empty places left out; null at the end.
  fiber* pop() {
    while (!queue_.empty()) {
      run_queue::entry e = queue_.front();
      queue_.drop_front();
      if (e != 0) return &run_queue::fiber_of(e);
    }
    return nullptr;
  }

  run_queue queue_;

 private:
  std::vector<std::unique_ptr<fiber>> fibers_;
};

TEST_F(RunQueue, IsFirstInFirstOutHoweverItGrows) {
  std::deque<fiber*> expected;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 100; ++i) expected.push_back(i % 3 == 0 ? &push_fresh() : &push());
    for (int i = 0; i < 70; ++i) {
      ASSERT_EQ(pop(), expected.front());
      expected.pop_front();
    }
    EXPECT_EQ(queue_.size(), expected.size());
  }
  while (!expected.empty()) {
    ASSERT_EQ(pop(), expected.front());
    expected.pop_front();
  }
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(pop(), nullptr);
}

TEST_F(RunQueue, AFreshFiberIsMarkedAndFound) {
  fiber& ready = push();
  fiber& fresh = push_fresh();
  fiber& stranger = make();
  EXPECT_TRUE(queue_.holds(fresh));
  EXPECT_FALSE(queue_.holds(ready)) << "only fresh ones are looked for";
  EXPECT_FALSE(queue_.holds(stranger));
  EXPECT_EQ(queue_.front() & run_queue::fresh_bit, 0U);
  queue_.drop_front();
  EXPECT_EQ(queue_.front() & run_queue::fresh_bit, run_queue::fresh_bit);
  queue_.drop_front();
  EXPECT_FALSE(queue_.holds(fresh));
}

TEST_F(RunQueue, OneTakenOutOfTurnLeavesTheOthersInOrder) {
  fiber& a = push_fresh();
  fiber& b = push_fresh();
  fiber& c = push_fresh();
  queue_.take(b);
  EXPECT_FALSE(queue_.holds(b));
  EXPECT_TRUE(queue_.holds(a));
  EXPECT_TRUE(queue_.holds(c));
  EXPECT_EQ(pop(), &a);
  EXPECT_EQ(pop(), &c);
  EXPECT_EQ(pop(), nullptr);
}

TEST_F(RunQueue, EmptyPlacesAtTheEndGoAtOnce) {
  fiber& a = push_fresh();
  fiber& b = push_fresh();
  fiber& c = push_fresh();
  queue_.take(b);
  EXPECT_EQ(queue_.size(), 3U);
  queue_.take(c);
  EXPECT_EQ(queue_.size(), 1U);
  queue_.take(a);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(RunQueue, AThiefTakesTheOldestThatIsNotPinned) {
  fiber& pinned = make(true);
  queue_.reserve();
  queue_.push_back(pinned);
  fiber& fresh = push_fresh();
  fiber& ready = push();
  bool is_fresh = false;
  EXPECT_EQ(queue_.steal(is_fresh), &fresh);
  EXPECT_TRUE(is_fresh);
  EXPECT_FALSE(queue_.holds(fresh));
  EXPECT_EQ(queue_.steal(is_fresh), &ready);
  EXPECT_FALSE(is_fresh);
  EXPECT_EQ(queue_.steal(is_fresh), nullptr);
  EXPECT_EQ(pop(), &pinned);
}

TEST_F(RunQueue, AQueueThatIsStolenEmptyIsEmpty) {
  bool is_fresh = false;
  for (int i = 0; i < 5; ++i) push();
  for (int i = 0; i < 5; ++i) EXPECT_NE(queue_.steal(is_fresh), nullptr);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.steal(is_fresh), nullptr);
}

TEST_F(RunQueue, DoesWhatAListDoesInRandomOrder) {
  std::mt19937 random(4711);
  std::deque<fiber*> expected;
  for (int step = 0; step < 50'000; ++step) {
    auto choice = random() % 100;
    if (choice < 50) {
      expected.push_back(choice % 2 == 0 ? &push_fresh() : &push());
    } else if (choice < 75) {
      fiber* front = expected.empty() ? nullptr : expected.front();
      ASSERT_EQ(pop(), front);
      if (front != nullptr) expected.pop_front();
    } else if (choice < 90 && !expected.empty()) {
      auto at = static_cast<std::ptrdiff_t>(random() % expected.size());
      fiber& one = *expected[static_cast<std::size_t>(at)];
      if (!queue_.holds(one)) continue;
      queue_.take(one);
      expected.erase(expected.begin() + at);
    } else {
      bool is_fresh = false;
      fiber* oldest = expected.empty() ? nullptr : expected.front();
      ASSERT_EQ(queue_.steal(is_fresh), oldest);
      if (oldest != nullptr) expected.pop_front();
    }
    ASSERT_GE(queue_.size(), expected.size());
  }
}

}  // namespace
