// yield_test.cpp - giving way: who runs next, who is never shut out, and what comes along.
// SPDX-License-Identifier: BSL-1.0
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class YieldTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, YieldTest, coir_test::one_and_four_workers());

TEST(YieldOrder, AThousandFibersTakeTurnsForEver) {
  coir::run([] {
    constexpr int fibers = 1'000;
    constexpr int rounds = 20;
    std::vector<int> turns(fibers, 0);
    int behind = 0;
    std::vector<coir::task<void>> tasks;
    for (int i = 0; i < fibers; ++i) {
      tasks.push_back(coir::spawn([&, i] {
        auto at = static_cast<std::size_t>(i);
        for (int r = 0; r < rounds; ++r) {
          ++turns[at];
          // The one before has had this turn, the one after has not.
          if (at > 0 && turns[at - 1] != turns[at]) ++behind;
          if (at + 1 < fibers && turns[at + 1] != turns[at] - 1) ++behind;
          coir::this_fiber::yield();
        }
      }));
    }
    coir::this_fiber::yield();
    for (auto& t : tasks) t.join();
    EXPECT_EQ(behind, 0);
  });
}

TEST_P(YieldTest, AloneItGoesOn) {
  run([] {
    for (int i = 0; i < 1'000; ++i) coir::this_fiber::yield();
  });
}

TEST(YieldPlain, OnAPlainThreadItIsTheThreadsYield) {
  coir::this_fiber::yield();
  coir::this_fiber::sleep_for(1us);
  coir::this_fiber::cancellation_point();
  EXPECT_EQ(coir::this_fiber::stack_used(), 0U);
}

TEST(YieldFairness, ALoopOfSpawnAndJoinDoesNotShutOutAThird) {
  coir::run([] {
    bool ran = false;
    coir::spawn([&] { ran = true; });
    int joins = 0;
    while (!ran && joins < 1'000'000) {
      coir::spawn([] {}).join();
      ++joins;
    }
    EXPECT_TRUE(ran);
    EXPECT_LT(joins, 100'000) << "about a millisecond of short tasks";
  });
}

TEST(YieldFairness, ALoopOfSpawnAndJoinDoesNotShutOutTimers) {
  coir::run([] {
    bool woken = false;
    coir::spawn([&] {
      coir::this_fiber::sleep_for(1us);
      woken = true;
    });
    coir::this_fiber::yield();
    int joins = 0;
    while (!woken && joins < 50'000'000) {
      coir::spawn([] {}).join();
      ++joins;
    }
    EXPECT_TRUE(woken);
  });
}

TEST_P(YieldTest, FibersThatNeverStopDoNotShutOutTimersNorPosts) {
  run([] {
    std::atomic<bool> stop{false};
    std::atomic<int> seen{0};
    coir::runtime* here = coir::runtime::current();
    std::vector<coir::task<void>> busy;
    for (int i = 0; i < 8; ++i) {
      busy.push_back(coir::spawn([&] {
        while (!stop) coir::this_fiber::yield();
      }));
    }
    coir::spawn([&] {
      coir::this_fiber::sleep_for(1us);
      ++seen;
    });
    std::thread outside([&] { here->post([&] { ++seen; }); });
    while (seen < 2) coir::this_fiber::yield();
    stop = true;
    for (auto& t : busy) t.join();
    outside.join();
  });
}

TEST(YieldFairness, WhatComesFromOutsideIsLookedAtWithin64Switches) {
  coir::run([] {
    coir::runtime* here = coir::runtime::current();
    int ran_at = -1;
    int turns = 0;
    auto partner = coir::spawn([&] {
      while (ran_at < 0 && turns < 10'000) coir::this_fiber::yield();
    });
    for (int round = 0; round < 3; ++round) {
      coir::this_fiber::yield();
      std::thread outside([&] { here->post([&] { ran_at = turns; }); });
      outside.join();
      int from = turns;
      while (ran_at < 0 && turns < 10'000) {
        ++turns;
        coir::this_fiber::yield();
      }
      ASSERT_GE(ran_at, 0);
      EXPECT_LE(ran_at - from, 64 + 4);
      if (round < 2) ran_at = -1;
    }
    partner.join();
  });
}

TEST_P(YieldTest, ErrnoIsEachFibersOwn) {
  run([] {
    std::vector<coir::task<int>> tasks;
    for (int i = 1; i <= 20; ++i) {
      tasks.push_back(coir::spawn({.pinned = true}, [i] {
        errno = i;
        int wrong = 0;
        for (int n = 0; n < 200; ++n) {
          if (n % 2 == 0) {
            coir::this_fiber::yield();
          } else {
            coir::this_fiber::sleep_for(1ns);
          }
          wrong += errno == i ? 0 : 1;
        }
        return wrong;
      }));
    }
    for (auto& t : tasks) EXPECT_EQ(t.get(), 0);
  });
}

// Recursion while handling: each level waits inside its catch block.
[[gnu::noinline]] int handle(int depth, int who) {
  try {
    throw std::runtime_error(std::to_string(who) + "/" + std::to_string(depth));
  } catch (const std::runtime_error& error) {
    int wrong = 0;
    coir::this_fiber::yield();
    if (depth > 0) wrong += handle(depth - 1, who);
    coir::this_fiber::yield();
    try {
      throw;
    } catch (const std::runtime_error& again) {
      if (&again != &error) ++wrong;
      if (again.what() != std::to_string(who) + "/" + std::to_string(depth)) ++wrong;
    }
    if (std::uncaught_exceptions() != 0) ++wrong;
    return wrong;
  }
}

TEST_P(YieldTest, CaughtExceptionsStayWithTheirFiber) {
  run([] {
    std::vector<coir::task<int>> tasks;
    for (int i = 0; i < 50; ++i) tasks.push_back(coir::spawn(handle, 5, i));
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(std::current_exception(), nullptr);
      coir::this_fiber::yield();
    }
    for (auto& t : tasks) EXPECT_EQ(t.get(), 0);
  });
}

TEST_P(YieldTest, AFiberMayWaitWhileItsStackUnwinds) {
  struct waits {
    int& wrong;
    ~waits() {
      int before = std::uncaught_exceptions();
      for (int i = 0; i < 20; ++i) coir::this_fiber::yield();
      if (before != 1 || std::uncaught_exceptions() != 1) ++wrong;
    }
  };
  run([] {
    std::vector<coir::task<int>> tasks;
    for (int i = 0; i < 20; ++i) {
      tasks.push_back(coir::spawn([i] {
        int wrong = 0;
        try {
          waits w{wrong};
          throw i;
        } catch (int thrown) {
          if (thrown != i) ++wrong;
        }
        return wrong;
      }));
    }
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(std::uncaught_exceptions(), 0);
      coir::this_fiber::yield();
    }
    for (auto& t : tasks) EXPECT_EQ(t.get(), 0);
  });
}

TEST_P(YieldTest, AJoinInACatchBlockStartsAFiberWithoutIt) {
  run([] {
    try {
      throw std::runtime_error("mine");
    } catch (const std::runtime_error&) {
      auto child = coir::spawn([] {
        bool clean = std::current_exception() == nullptr && std::uncaught_exceptions() == 0;
        try {
          throw 5;
        } catch (int) {
          coir::this_fiber::yield();
        }
        return clean;
      });
      EXPECT_TRUE(child.get());
      try {
        throw;
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "mine");
      }
    }
  });
}

TEST(YieldCost, ASwitchIsCountedAndASpawnToo) {
  coir::run([] {
    auto before = coir::runtime::current()->stats();
    auto partner = coir::spawn([] {
      for (int i = 0; i < 10'000; ++i) coir::this_fiber::yield();
    });
    for (int i = 0; i < 10'000; ++i) coir::this_fiber::yield();
    partner.join();
    auto after = coir::runtime::current()->stats();
    EXPECT_GE(after.switches - before.switches, 19'000U);
    EXPECT_EQ(after.spawns - before.spawns, 1U);
    EXPECT_EQ(after.live_fibers, 1U);
  });
}

}  // namespace
