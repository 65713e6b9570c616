// sleep_test.cpp - sleeping, on a virtual clock that stands still while anybody runs.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/runtime.hpp>
#include <coir/semaphore.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "sched/clock.hpp"
#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class SleepTest : public coir_test::workers_test {
 protected:
  SleepTest() { coir::set_virtual_clock(true); }
  ~SleepTest() override { coir::set_virtual_clock(false); }
};
INSTANTIATE_TEST_SUITE_P(Workers, SleepTest, coir_test::one_and_four_workers());

std::chrono::nanoseconds now() {
  return std::chrono::nanoseconds(coir::clock_now());
}

TEST_P(SleepTest, ADayPassesInNoTime) {
  auto start = std::chrono::steady_clock::now();
  run([] {
    auto before = now();
    coir::this_fiber::sleep_for(24h);
    EXPECT_EQ(now() - before, 24h);
  });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1h);
}

TEST_P(SleepTest, SleepersWakeInTheOrderOfTheirDeadlines) {
  run([] {
    std::vector<std::int64_t> order;
    std::vector<coir::task<void>> tasks;
    auto begin = now();
    for (int i = 0; i < 500; ++i) {
      std::chrono::nanoseconds wait = 1ms * ((i * 7919) % 500 + 1);
      tasks.push_back(coir::spawn({.pinned = true}, [&, wait] {
        coir::this_fiber::sleep_until(coir::deadline((begin + wait).count()));
        order.push_back(wait.count());
        EXPECT_EQ(now(), begin + wait);
      }));
    }
    for (auto& t : tasks) t.join();
    EXPECT_EQ(order.size(), 500U);
    for (std::size_t i = 1; i < order.size(); ++i) EXPECT_LE(order[i - 1], order[i]);
  });
}

TEST_P(SleepTest, EqualDeadlinesWakeEveryoneAtOnce) {
  run([] {
    std::atomic<int> woken{0};
    coir::deadline end = coir::deadline::after(1h);
    std::vector<coir::task<void>> tasks;
    for (int i = 0; i < 1'000; ++i) {
      tasks.push_back(coir::spawn([&] {
        coir::this_fiber::sleep_until(end);
        ++woken;
        EXPECT_EQ(coir::clock_now(), end.nanoseconds());
      }));
    }
    for (auto& t : tasks) t.join();
    EXPECT_EQ(woken, 1'000);
  });
}

TEST_P(SleepTest, ZeroAndNegativeDurationsOnlyGiveWay) {
  run([] {
    auto before = now();
    coir::this_fiber::sleep_for(0s);
    coir::this_fiber::sleep_for(-1h);
    coir::this_fiber::sleep_for(std::chrono::nanoseconds::min());
    coir::this_fiber::sleep_until(std::chrono::steady_clock::now() - 1h);
    coir::this_fiber::sleep_until(std::chrono::steady_clock::time_point::min());
    coir::this_fiber::sleep_until(std::chrono::system_clock::time_point::min());
    EXPECT_EQ(now(), before);
  });
}

TEST(SleepOrder, OneThatSleepsForNoTimeLetsTheOthersRun) {
  coir::set_virtual_clock(true);
  coir::run([] {
    std::string trace;
    auto t = coir::spawn([&] { trace += "b"; });
    coir::this_fiber::sleep_for(0s);
    trace += "a";
    t.join();
    EXPECT_EQ(trace, "ba");
  });
  coir::set_virtual_clock(false);
}

TEST_P(SleepTest, ALengthTooGreatToCountIsForEver) {
  std::atomic<int> cancelled{0};
  run([&] {
    auto for_ever = [&cancelled](auto sleep) {
      return coir::spawn([&cancelled, sleep] {
        try {
          sleep();
        } catch (const coir::cancelled&) {
          ++cancelled;
          throw;
        }
      });
    };
    std::vector<coir::task<void>> tasks;
    tasks.push_back(for_ever([] { coir::this_fiber::sleep_for(std::chrono::hours::max()); }));
    tasks.push_back(for_ever([] { coir::this_fiber::sleep_for(std::chrono::nanoseconds::max()); }));
    tasks.push_back(for_ever([] {
      coir::this_fiber::sleep_for(
          std::chrono::duration<double>(std::numeric_limits<double>::infinity()));
    }));
    tasks.push_back(for_ever([] { coir::this_fiber::sleep_until(coir::deadline::never()); }));
    coir::this_fiber::sleep_for(24h * 365);
    for (auto& t : tasks) EXPECT_FALSE(t.done());
  });
  EXPECT_EQ(cancelled, 4);
}

TEST_P(SleepTest, FractionsAreRoundedUp) {
  run([] {
    auto before = now();
    coir::this_fiber::sleep_for(std::chrono::duration<double, std::nano>(0.25));
    EXPECT_EQ(now() - before, 1ns);
    coir::this_fiber::sleep_for(std::chrono::duration<float>(0.5F));
    EXPECT_EQ(now() - before, 500'000'001ns);
  });
}

TEST_P(SleepTest, TheClockStandsWhileSomebodyIsReady) {
  run([] {
    auto sleeper = coir::spawn([] { coir::this_fiber::sleep_for(1s); });
    auto before = now();
    for (int i = 0; i < 10'000; ++i) coir::this_fiber::yield();
    EXPECT_EQ(now(), before);
    EXPECT_FALSE(sleeper.done());
    sleeper.join();
    EXPECT_EQ(now() - before, 1s);
  });
}

// One that has been woken on another worker is ready, whether that worker has risen or not.
TEST(SleepClock, ItStandsWhileTwoWorkersWakeEachOther) {
  coir::set_virtual_clock(true);
  {
    coir::runtime rt = coir::runtime::background({.workers = 2});
    coir::semaphore here{0};
    coir::semaphore there{0};
    auto other = rt.spawn({.pinned = true}, [&] {
      for (int i = 0; i < 5'000; ++i) {
        there.acquire();
        here.release();
      }
    });
    rt.spawn({.pinned = true}, [&] {
        auto before = now();
        auto sleeper = coir::spawn([] { coir::this_fiber::sleep_for(1s); });
        for (int i = 0; i < 5'000; ++i) {
          there.release();
          here.acquire();
        }
        EXPECT_EQ(now(), before);
        sleeper.join();
        EXPECT_EQ(now(), before + 1s);
      }).join();
    other.join();
  }
  coir::set_virtual_clock(false);
}

TEST_P(SleepTest, ManySleepersOfEveryLengthEndWhenTheyAreDue) {
  run([] {
    std::vector<coir::task<void>> tasks;
    for (int i = 0; i < 200; ++i) {
      tasks.push_back(coir::spawn([i] {
        for (int n = 1; n < 20; ++n) {
          auto due = now() + 1us * ((i * 31 + n * 17) % 1'000);
          coir::this_fiber::sleep_until(coir::deadline(due.count()));
          EXPECT_GE(now(), due);
        }
      }));
    }
    for (auto& t : tasks) t.join();
  });
}

TEST(SleepReal, ARealSleepIsNotShorterThanAsked) {
  coir::run([] {
    for (auto wait : {1us, 500us, 3'000us}) {
      auto before = std::chrono::steady_clock::now();
      coir::this_fiber::sleep_for(wait);
      EXPECT_GE(std::chrono::steady_clock::now() - before, wait);
      auto until = std::chrono::system_clock::now() + wait;
      coir::this_fiber::sleep_until(until);
      EXPECT_GE(std::chrono::system_clock::now(), until);
    }
  });
}

TEST(SleepReal, APlainThreadSleepsToo) {
  auto before = std::chrono::steady_clock::now();
  coir::this_fiber::sleep_for(2ms);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 2ms);
  coir::this_fiber::sleep_for(-1s);
  coir::this_fiber::sleep_until(coir::deadline(-5));
  coir::this_fiber::sleep_until(coir::deadline(0));
  coir::this_fiber::sleep_until(std::chrono::steady_clock::now() - 1s);
}

TEST(SleepDeadline, IsAPointInTime) {
  EXPECT_TRUE(coir::deadline().is_never());
  EXPECT_TRUE(coir::deadline::never().is_never());
  EXPECT_LT(coir::deadline::now(), coir::deadline::never());
  EXPECT_LT(coir::deadline::now(), coir::deadline::after(1h));
  for (coir::deadline past : {coir::deadline::after(-1h),
                              coir::deadline::at(std::chrono::steady_clock::time_point::min()),
                              coir::deadline::at(std::chrono::system_clock::time_point::min())})
    EXPECT_LE(past, coir::deadline::now());
  EXPECT_TRUE(coir::deadline::after(std::chrono::hours::max()).is_never());
  EXPECT_TRUE(coir::deadline::at(std::chrono::steady_clock::time_point::max()).is_never());
}

}  // namespace
