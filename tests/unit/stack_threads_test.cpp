// stack_threads_test.cpp - stacks that change threads, and threads that end.
// SPDX-License-Identifier: BSL-1.0
#include <coir/stack.hpp>

#include <gtest/gtest.h>
#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "stack/mapping.hpp"

namespace {

using coir::stack;
using coir::stack_options;
using coir::stack_stats;

class StackThreads : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(stack_stats().live, 0u) << "leaked"; }
};

// Not std::barrier: its libstdc++ needs atomic bytes, which not every machine has without a
// library.
class meeting {
 public:
  explicit meeting(int members) : members_(members) {}

  void arrive_and_wait() {
    std::unique_lock lock(mutex_);
    const int now = round_;
    if (++here_ == members_) {
      here_ = 0;
      ++round_;
      all_here_.notify_all();
    } else {
      all_here_.wait(lock, [&] { return round_ != now; });
    }
  }

 private:
  const int members_;
  std::mutex mutex_;
  std::condition_variable all_here_;
  int here_ = 0;
  int round_ = 0;
};

template <class Function>
void in_a_thread(Function&& function) {
  std::thread(std::forward<Function>(function)).join();
}

TEST_F(StackThreads, AStackComesBackToTheThreadThatFreedIt) {
  const stack_options options{.size = 3 * coir::page_size()};
  stack memory(options);
  std::byte* top = memory.top();
  in_a_thread([&] {
    { stack mine = std::move(memory); }
    stack again(options);
    EXPECT_EQ(again.top(), top);
  });
}

TEST_F(StackThreads, TheCacheOfAThreadThatEndedGoesToTheOthers) {
  const stack_options options{.size = 5 * coir::page_size()};
  std::set<std::byte*> tops;
  const std::size_t cached = stack_stats().cached;
  in_a_thread([&] {
    std::vector<stack> made;
    for (int i = 0; i < 20; ++i) tops.insert(made.emplace_back(options).top());
  });
  EXPECT_EQ(stack_stats().cached, cached + 20);
  std::vector<stack> made;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(tops.count(made.emplace_back(options).top()), 1u);
}

TEST_F(StackThreads, WhatEveryThreadHoldsIsCounted) {
  constexpr int threads = 4, each = 50;
  meeting point(threads + 1);
  std::vector<std::thread> crowd;
  for (int t = 0; t < threads; ++t)
    crowd.emplace_back([&] {
      std::vector<stack> made;
      for (int i = 0; i < each; ++i) made.emplace_back();
      point.arrive_and_wait();
      point.arrive_and_wait();
      made.clear();
      point.arrive_and_wait();
      point.arrive_and_wait();
    });
  point.arrive_and_wait();
  EXPECT_EQ(stack_stats().live, threads * each);
  EXPECT_GE(stack_stats().high_water, threads * each);
  point.arrive_and_wait();
  point.arrive_and_wait();
  EXPECT_EQ(stack_stats().live, 0u) << "the caches of threads that go on are counted as well";
  EXPECT_GE(stack_stats().cached, threads * each);
  point.arrive_and_wait();
  for (std::thread& one : crowd) one.join();
}

TEST_F(StackThreads, OneMakesAndAnotherFrees) {
  constexpr int rounds = 20, batch = 200;
  std::vector<stack> handed;
  meeting turn(2);
  std::thread consumer([&] {
    for (int i = 0; i < rounds; ++i) {
      turn.arrive_and_wait();
      handed.clear();
      turn.arrive_and_wait();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    for (int j = 0; j < batch; ++j) handed.emplace_back();
    turn.arrive_and_wait();
    turn.arrive_and_wait();
  }
  consumer.join();
  EXPECT_LE(stack_stats().high_water, 2u * batch);
}

TEST_F(StackThreads, NoTwoHoldTheSame) {
  constexpr unsigned int seed = 20240229;
  constexpr int threads = 4, steps = 3000;
  SCOPED_TRACE(seed);
  std::vector<std::thread> crowd;
  for (unsigned int t = 0; t < threads; ++t)
    crowd.emplace_back([t] {
      std::minstd_rand random(seed + t);
      const std::byte mark{static_cast<unsigned char>(t)};
      std::vector<stack> held;
      for (int i = 0; i < steps; ++i) {
        if (held.size() < 300 && random() % 2 != 0) {
          held.emplace_back(stack_options{.size = random() % 2 != 0 ? 10000u : 50000u});
          *(held.back().top() - 1) = mark;
        } else if (!held.empty()) {
          EXPECT_EQ(*(held.back().top() - 1), mark);
          std::swap(held[random() % held.size()], held.back());
          EXPECT_EQ(*(held.back().top() - 1), mark);
          held.pop_back();
        }
      }
    });
  for (std::thread& one : crowd) one.join();
}

thread_local std::optional<stack> kept;

TEST_F(StackThreads, AThreadLocalDestructorMayFreeAStack) {
  in_a_thread([] { kept.emplace(); });
  EXPECT_EQ(stack_stats().live, 0u);
}

TEST_F(StackThreads, TheVeryLastDestructorMayFreeAndMakeStacks) {
  // A key that is made later is destroyed later: when the thread's cache has gone.
  stack{};
  pthread_key_t last;
  ASSERT_EQ(pthread_key_create(&last,
                               [](void* memory) {
                                 delete static_cast<stack*>(memory);
                                 stack one_more;
                                 *(one_more.top() - 1) = std::byte{1};
                               }),
            0);
  const std::size_t cached = stack_stats().cached;
  in_a_thread([&] {
    pthread_setspecific(last, new stack({.size = 7 * coir::page_size()}));
    stack{{.size = 7 * coir::page_size()}};
  });
  EXPECT_EQ(stack_stats().live, 0u);
  EXPECT_GE(stack_stats().cached, cached + 2);
  pthread_key_delete(last);
}

}  // namespace
