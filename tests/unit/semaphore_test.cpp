// semaphore_test.cpp - permits are neither lost nor made, and go to those who waited longest.
// SPDX-License-Identifier: BSL-1.0
#include <coir/semaphore.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class Semaphore : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Semaphore, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(coir::binary_semaphore::max() >= 1);
static_assert(coir::counting_semaphore<10>::max() >= 10);
static_assert(coir::counting_semaphore<>::max() >= 1'000'000);
constinit coir::counting_semaphore<3> at_program_start{3};

TEST_P(Semaphore, ItCounts) {
  with_parties([](parties&) {
    coir::semaphore s{2};
    s.acquire();
    EXPECT_TRUE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire());
    s.release(3);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire());
    s.release(0);
    EXPECT_FALSE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire_for(-1s));
    EXPECT_FALSE(s.try_acquire_for(1ms));
    EXPECT_FALSE(s.try_acquire_until(std::chrono::steady_clock::now() + 1ms));
    EXPECT_FALSE(s.try_acquire_until(std::chrono::system_clock::now() + 1ms));
    s.release();
    EXPECT_TRUE(s.try_acquire_for(0s));
    EXPECT_TRUE(at_program_start.try_acquire());
    at_program_start.release();
  });
}

TEST_P(Semaphore, NoMoreThanItsPermitsAreInside) {
  with_parties([](parties& all) {
    coir::semaphore s{3};
    std::atomic<int> inside{0}, most{0}, turns{0};
    for (int i = 0; i < 8; ++i)
      all.start([&] {
        for (int turn = 0; turn < 100; ++turn) {
          s.acquire();
          int now = ++inside;
          int before = most;
          while (before < now && !most.compare_exchange_weak(before, now)) {
          }
          coir::this_fiber::yield();
          --inside;
          ++turns;
          s.release();
        }
      });
    all.join();
    EXPECT_EQ(turns, 800);
    EXPECT_LE(most, 3);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire());
  });
}

TEST_P(Semaphore, OneReleaseServesSeveral) {
  with_parties([](parties& all) {
    coir::semaphore s{0};
    std::atomic<int> got{0};
    for (int i = 0; i < 6; ++i)
      all.start([&] {
        s.acquire();
        ++got;
      });
    coir::this_fiber::yield();
    s.release(6);
    all.join();
    EXPECT_EQ(got, 6);
    EXPECT_FALSE(s.try_acquire());
  });
}

TEST_P(Semaphore, WhatCameBeforeReleaseIsSeenAfterAcquire) {
  with_parties([](parties& all) {
    coir::binary_semaphore to{0}, back{0};
    int value = 0;
    all.start([&] {
      for (int i = 0; i < 100; ++i) {
        to.acquire();
        ++value;
        back.release();
      }
    });
    for (int i = 0; i < 100; ++i) {
      to.release();
      back.acquire();
      EXPECT_EQ(value, i + 1);
    }
    all.join();
  });
}

TEST_P(Semaphore, ItMayBeDestroyedWhenAcquireReturns) {
  with_parties([](parties& all) {
    for (int i = 0; i < 300; ++i) {
      auto s = std::make_unique<coir::semaphore>(0);
      all.start([raw = s.get()] { raw->release(); });
      s->acquire();
      s.reset();
    }
  });
}

TEST_P(Semaphore, ABoundedOneRefusesMoreThanItBeganWith) {
  with_parties([](parties& all) {
    coir::bounded_semaphore s{2};
    EXPECT_THROW(s.release(), std::logic_error);
    s.acquire();
    s.acquire();
    EXPECT_THROW(s.release(3), std::logic_error);
    s.release(2);
    EXPECT_THROW(s.release(), std::logic_error);
    s.acquire();
    s.acquire();
    all.start([&] { s.acquire(); });
    coir::this_fiber::yield();
    s.release();
    all.join();
    EXPECT_FALSE(s.try_acquire());
  });
}

TEST(SemaphoreMisuse, NumbersThatCannotBeAreRefused) {
  EXPECT_THROW(coir::semaphore(-1), std::invalid_argument);
  coir::semaphore s{0};
  EXPECT_THROW(s.release(-1), std::invalid_argument);
  coir::binary_semaphore one{1};
  EXPECT_THROW(one.release(), std::logic_error);
  coir::counting_semaphore<1> more{2};
  more.acquire();
  more.release();
  EXPECT_THROW(more.release(), std::logic_error) << "it had no more when it began";
  coir::semaphore full{coir::semaphore::max()};
  EXPECT_THROW(full.release(), std::logic_error);
  EXPECT_TRUE(full.try_acquire());
  full.release();
}

TEST(SemaphoreOrder, ItIsFirstComeFirstServed) {
  coir::run([] {
    coir::semaphore s{0};
    std::vector<int> order;
    std::vector<coir::task<void>> tasks;
    for (int i = 0; i < 5; ++i)
      tasks.push_back(coir::spawn([&, i] {
        s.acquire();
        order.push_back(i);
      }));
    coir::this_fiber::yield();
    s.release(2);
    EXPECT_FALSE(s.try_acquire()) << "overtook those that wait";
    s.release(3);
    for (auto& t : tasks) t.join();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
  });
}

TEST(SemaphoreOrder, OneThatGaveUpIsPassedOver) {
  coir_test::virtual_time clock;
  coir::run([] {
    coir::semaphore s{0};
    int patient = 0;
    auto first = coir::spawn([&] { EXPECT_FALSE(s.try_acquire_for(1s)); });
    auto second = coir::spawn([&] { patient += s.try_acquire_for(1h); });
    coir::this_fiber::sleep_for(2s);
    s.release();
    first.join();
    second.join();
    EXPECT_EQ(patient, 1);
  });
}

TEST(SemaphoreCancellation, ACancelledOneHasTakenNoPermit) {
  coir::semaphore s{0};
  int cancelled = 0;
  coir::run([&] {
    coir::spawn([&] {
      try {
        s.acquire();
      } catch (const coir::cancelled&) {
        ++cancelled;
        throw;
      }
    });
    coir::this_fiber::yield();
  });
  EXPECT_EQ(cancelled, 1);
  s.release();
  EXPECT_TRUE(s.try_acquire());
}

using SemaphoreDeadlock = coir_test::deadlock_test;
TEST_F(SemaphoreDeadlock, AWaitThatNobodyCanEndThrows) {
  coir::semaphore none{0};
  EXPECT_THROW(coir::run([&] { none.acquire(); }), coir::deadlock);
}

}  // namespace
