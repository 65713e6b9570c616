// scheduler_stress_test.cpp - random programs of fibers: each knows what it must come to.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/config.hpp>
#include <coir/runtime.hpp>
#include <coir/stack.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

// COIR_SEED repeats a run.
std::uint32_t seed() {
  const char* given = std::getenv("COIR_SEED");
  const auto chosen = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 0))
                                       : std::random_device{}();
  std::cout << "COIR_SEED=" << chosen << '\n';
  return chosen;
}

// COIR_TEST_SECONDS makes each test run that long.
std::chrono::milliseconds duration() {
  const char* given = std::getenv("COIR_TEST_SECONDS");
  return given != nullptr ? std::chrono::milliseconds(std::atol(given) * 1'000) : 300ms;
}

std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

// A program is a tree: a node draws its steps from its own number, so that the result of the tree
// is known without running it, and is the same in whatever order its fibers run.
constexpr int deepest = 5;

struct node {
  std::uint64_t number;
  int depth;
  std::atomic<int>* alive;  // how many frames there are

  int children() const {
    return depth >= deepest ? 0 : static_cast<int>(mixed(number) % 4) + (depth == 0 ? 3 : 0);
  }
  node child(int i) const {
    return {mixed(number + 1 + static_cast<std::uint64_t>(i)), depth + 1, alive};
  }
  bool fails() const { return depth > 0 && mixed(number + 77) % 11 == 0; }
};

struct failure {
  std::uint64_t number;
};

std::uint64_t expected(const node& self) {
  std::uint64_t sum = self.number;
  for (int i = 0; i < self.children(); ++i) {
    node child = self.child(i);
    sum += child.fails() ? child.number : expected(child);
  }
  return sum;
}

class frame {
 public:
  explicit frame(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  frame(const frame&) = delete;
  frame& operator=(const frame&) = delete;
  ~frame() { --alive_; }

 private:
  std::atomic<int>& alive_;
};

void pause(std::mt19937& random) {
  switch (random() % 8) {
    case 0:
      return coir::this_fiber::sleep_for(std::chrono::nanoseconds(random() % 50'000));
    case 1:
      for (auto n = random() % 200; n > 0; --n) coir::this_fiber::yield();
      return;
    case 2: {
      volatile unsigned work = 0;
      for (auto n = random() % 5'000; n > 0; --n) work = work + 1;
      return;
    }
    case 3:
      try {
        throw static_cast<int>(random() % 100);
      } catch (int thrown) {
        coir::this_fiber::yield();
        EXPECT_NE(std::current_exception(), nullptr);
        EXPECT_LT(thrown, 100);
      }
      return;
    default:
      return coir::this_fiber::yield();
  }
}

std::uint64_t execute(node self) {
  frame alive(*self.alive);
  std::mt19937 random(static_cast<std::uint32_t>(self.number));
  std::array<std::byte, 300> pattern;
  pattern.fill(static_cast<std::byte>(self.number));
  if (random() % 2 == 0) pause(random);
  if (self.fails()) throw failure{self.number};

  std::vector<coir::task<std::uint64_t>> tasks;
  for (int i = 0; i < self.children(); ++i) {
    coir::spawn_options options;
    options.pinned = random() % 10 == 0;
    if (random() % 10 == 0) options.name = "node";
    if (random() % 20 == 0) options.stack_size = 128 * 1024;
    tasks.push_back(coir::spawn(options, execute, self.child(i)));
    if (random() % 3 == 0) pause(random);
    if (random() % 8 == 0) coir::spawn([own = random]() mutable { pause(own); });
  }
  std::uint64_t sum = self.number;
  while (!tasks.empty()) {
    std::swap(tasks[random() % tasks.size()], tasks.back());
    auto one = std::move(tasks.back());
    tasks.pop_back();
    if (random() % 3 == 0) one.join();
    try {
      sum += random() % 2 == 0 ? one.get() : one.take();
    } catch (const failure& thrown) {
      sum += thrown.number;
    }
  }
  for (std::byte b : pattern) {
    if (b != static_cast<std::byte>(self.number)) ADD_FAILURE() << "a stack was overwritten";
  }
  return sum;
}

class SchedulerStress : public testing::TestWithParam<unsigned> {
 protected:
  void TearDown() override {
    EXPECT_EQ(alive_, 0) << "a frame was not destroyed";
    EXPECT_EQ(coir::stack_stats().live, live_) << "a stack leaked";
  }
  template <class Round>
  void repeat(Round round) {
    std::mt19937 random(seed());
    auto end = std::chrono::steady_clock::now() + duration();
    do {
      round(random);
    } while (std::chrono::steady_clock::now() < end && !HasFailure());
  }

  node root(std::mt19937& random) { return {mixed(random()), 0, &alive_}; }

  std::atomic<int> alive_{0};

 private:
  std::size_t live_ = coir::stack_stats().live;
};
INSTANTIATE_TEST_SUITE_P(Workers, SchedulerStress, testing::Values(1U, 2U, 4U, 16U));

TEST_P(SchedulerStress, ATreeOfTasksComesToTheSameInEveryOrder) {
  repeat([&](std::mt19937& random) {
    node tree = root(random);
    std::uint64_t sum = coir::run([&] { return execute(tree); }, {.workers = GetParam()});
    ASSERT_EQ(sum, expected(tree));
    ASSERT_EQ(alive_, 0);
  });
}

TEST_P(SchedulerStress, ManyTreesShareABackgroundRuntimeWithPlainThreads) {
  coir::runtime rt = coir::runtime::background({.workers = GetParam()});
  repeat([&](std::mt19937& random) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, tree = root(random)] {
        auto task = rt.spawn(execute, tree);
        auto again = task;
        EXPECT_EQ(task.get(), expected(tree));
        again.join();
      });
    }
    for (std::thread& t : threads) t.join();
  });
}

TEST_P(SchedulerStress, ARunThatEndsAnywhereUnwindsAllThatIsLeft) {
  repeat([&](std::mt19937& random) {
    int turns = static_cast<int>(random() % 300);
    std::vector<node> trees;
    for (int i = 0; i < 4; ++i) trees.push_back(root(random));
    coir::run(
        [&] {
          for (const node& tree : trees) coir::spawn(execute, tree);
          for (int i = 0; i < turns; ++i) coir::this_fiber::yield();
        },
        {.workers = GetParam()});
    ASSERT_EQ(alive_, 0);
  });
}

TEST_P(SchedulerStress, ABackgroundRuntimeDestroyedAtAnyTimeUnwindsAllThatIsLeft) {
  repeat([&](std::mt19937& random) {
    auto busy = std::chrono::nanoseconds(random() % 2'000'000);
    std::vector<coir::task<std::uint64_t>> kept;
    {
      coir::runtime rt = coir::runtime::background({.workers = GetParam()});
      for (int i = 0; i < 4; ++i) kept.push_back(rt.spawn(execute, root(random)));
      auto until = std::chrono::steady_clock::now() + busy;
      while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
    }
    for (auto& task : kept) ASSERT_TRUE(task.done());
    ASSERT_EQ(alive_, 0);
  });
}

TEST_P(SchedulerStress, WhatThreadsSendRunsOnceWhileFibersHogTheWorkersNowAndThen) {
  coir::runtime rt = coir::runtime::background({.workers = GetParam()});
  repeat([&](std::mt19937& random) {
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, own = std::mt19937(random())]() mutable {
        std::vector<coir::task<void>> sent;
        for (int i = 0; i < 30; ++i) {
          std::chrono::nanoseconds busy(own() % 8 == 0 ? own() % 3'000'000 : own() % 20'000);
          sent.push_back(rt.spawn({.pinned = own() % 3 == 0}, [&, busy] {
            auto until = std::chrono::steady_clock::now() + busy;
            while (std::chrono::steady_clock::now() < until) continue;
            ++ran;
          }));
        }
        for (auto& task : sent) task.join();
      });
    }
    for (std::thread& t : threads) t.join();
    ASSERT_EQ(ran, 90);
  });
}

TEST_P(SchedulerStress, RuntimesThatWaitForEachOtherEndInAnyOrder) {
  repeat([&](std::mt19937& random) {
    node tree = root(random);
    node other = root(random);
    coir::runtime rt = coir::runtime::background({.workers = GetParam()});
    std::uint64_t sum = coir::run(
        [&] {
          auto there = rt.spawn(execute, tree);
          auto here = coir::spawn(execute, other);
          auto back = rt.spawn([here] { return here.get(); });
          return there.get() + back.get();
        },
        {.workers = GetParam()});
    ASSERT_EQ(sum, expected(tree) + expected(other));
  });
}

}  // namespace
