// latch_test.cpp - nobody goes on before all has been counted.
// SPDX-License-Identifier: BSL-1.0
#include <coir/latch.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class Latch : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Latch, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(coir::latch::max() >= 1'000'000);
constinit coir::latch at_program_start{0};

TEST_P(Latch, ItOpensAtZeroAndStaysOpen) {
  with_parties([](parties&) {
    coir::latch l{3};
    EXPECT_FALSE(l.try_wait());
    l.count_down();
    l.count_down(0);
    EXPECT_FALSE(l.wait_for(1ms));
    EXPECT_FALSE(l.wait_until(std::chrono::steady_clock::now() - 1s));
    l.count_down(2);
    EXPECT_TRUE(l.try_wait());
    l.wait();
    EXPECT_TRUE(l.wait_for(1h));
    l.count_down(0);
    at_program_start.wait();
  });
}

TEST_P(Latch, EveryoneWhoWaitsSeesWhatWasDoneBeforeEachCount) {
  with_parties([](parties& all) {
    coir::latch l{4};
    int done[4] = {};
    std::atomic<int> right{0};
    for (int i = 0; i < 4; ++i)
      all.start([&] {
        l.wait();
        right += done[0] + done[1] + done[2] + done[3];
      });
    for (int i = 0; i < 4; ++i)
      all.start([&, i] {
        done[i] = 1;
        l.count_down();
      });
    all.join();
    EXPECT_EQ(right, 16);
  });
}

TEST_P(Latch, ArriveAndWaitIsBoth) {
  with_parties([](parties& all) {
    coir::latch l{9};
    std::atomic<int> arrived{0};
    for (int i = 0; i < 8; ++i)
      all.start([&] {
        ++arrived;
        l.arrive_and_wait();
        EXPECT_EQ(arrived, 8);
      });
    l.arrive_and_wait();
    EXPECT_EQ(arrived, 8);
    all.join();
  });
}

TEST_P(Latch, ItMayBeDestroyedWhenWaitReturns) {
  with_parties([](parties& all) {
    for (int i = 0; i < 300; ++i) {
      auto l = std::make_unique<coir::latch>(2);
      all.start([raw = l.get()] { raw->count_down(2); });
      l->wait();
      l.reset();
    }
  });
}

TEST(LatchMisuse, CountsBelowZeroAreRefused) {
  EXPECT_THROW(coir::latch(-1), std::logic_error);
  coir::latch l{1};
  EXPECT_THROW(l.count_down(2), std::logic_error);
  EXPECT_THROW(l.count_down(-1), std::logic_error);
  l.count_down();
  EXPECT_THROW(l.count_down(), std::logic_error);
}

TEST(LatchCancellation, ACancelledWaitHasCounted) {
  coir::latch l{2};
  int cancelled = 0;
  coir::run([&] {
    coir::spawn([&] {
      try {
        l.arrive_and_wait();
      } catch (const coir::cancelled&) {
        ++cancelled;
        throw;
      }
    });
    coir::this_fiber::yield();
  });
  EXPECT_EQ(cancelled, 1);
  l.count_down();
  EXPECT_TRUE(l.try_wait());
}

using LatchDeadlock = coir_test::deadlock_test;
TEST_F(LatchDeadlock, AWaitThatNobodyCanEndThrows) {
  coir::latch closed{1};
  EXPECT_THROW(coir::run([&] { closed.wait(); }), coir::deadlock);
}

}  // namespace
