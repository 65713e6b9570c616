// barrier_test.cpp - a party goes on together, phase after phase.
// SPDX-License-Identifier: BSL-1.0
#include <coir/barrier.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "support/parties.hpp"

namespace {

using coir_test::parties;

class Barrier : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Barrier, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(coir::barrier<>::max() >= 1'000'000);
static_assert(std::is_move_constructible_v<coir::barrier<>::arrival_token>);
static_assert(!std::is_copy_constructible_v<coir::barrier<>::arrival_token>);

TEST_P(Barrier, NobodyIsAPhaseAhead) {
  with_parties([](parties& all) {
    coir::barrier together{6};
    std::atomic<int> arrived{0};
    for (int i = 0; i < 6; ++i)
      all.start([&] {
        for (int phase = 1; phase <= 50; ++phase) {
          ++arrived;
          together.arrive_and_wait();
          EXPECT_GE(arrived, 6 * phase);
          EXPECT_LE(arrived, 6 * phase + 6);
        }
      });
    all.join();
    EXPECT_EQ(arrived, 300);
  });
}

TEST_P(Barrier, TheCompletionFunctionRunsOnceAPhaseBeforeAnyoneGoesOn) {
  with_parties([](parties& all) {
    int phases = 0;
    int values[4] = {};
    int sum = 0;
    coir::barrier together{4, [&]() noexcept {
                             ++phases;
                             sum = values[0] + values[1] + values[2] + values[3];
                           }};
    for (int i = 0; i < 4; ++i)
      all.start([&, i] {
        for (int phase = 1; phase <= 50; ++phase) {
          values[i] = phase;
          together.arrive_and_wait();
          EXPECT_EQ(phases, 2 * phase - 1);
          EXPECT_EQ(sum, 4 * phase);
          together.arrive_and_wait();
        }
      });
    all.join();
  });
}

TEST_P(Barrier, TheCompletionFunctionMayWait) {
  with_parties([](parties& all) {
    int phases = 0;
    coir::barrier together{3, [&]() noexcept {
                             coir::this_fiber::yield();
                             ++phases;
                           }};
    for (int i = 0; i < 3; ++i)
      all.start([&] {
        for (int phase = 1; phase <= 20; ++phase) together.arrive_and_wait();
      });
    all.join();
    EXPECT_EQ(phases, 20);
  });
}

TEST_P(Barrier, OneMayArriveFirstAndWaitLater) {
  with_parties([](parties& all) {
    coir::barrier together{3};
    all.start([&] {
      auto token = together.arrive();
      coir::this_fiber::yield();
      together.wait(std::move(token));
    });
    auto token = together.arrive(2);
    together.wait(std::move(token));
    all.join();
    auto next = together.arrive(3);
    together.wait(std::move(next));
  });
}

TEST_P(Barrier, WhoDropsOutIsExpectedNoMore) {
  with_parties([](parties& all) {
    coir::barrier together{4};
    std::atomic<int> arrived{0};
    for (int i = 0; i < 4; ++i)
      all.start([&, i] {
        for (int phase = 0; phase < i; ++phase) {
          ++arrived;
          together.arrive_and_wait();
        }
        ++arrived;
        together.arrive_and_drop();
      });
    all.join();
    EXPECT_EQ(arrived, 1 + 2 + 3 + 4);
  });
}

TEST(BarrierMisuse, MoreThanAreExpectedAreRefused) {
  EXPECT_THROW(coir::barrier(-1), std::logic_error);
  coir::barrier together{2};
  EXPECT_THROW(static_cast<void>(together.arrive(3)), std::logic_error);
  EXPECT_THROW(static_cast<void>(together.arrive(0)), std::logic_error);
  static_cast<void>(together.arrive());
  EXPECT_THROW(static_cast<void>(together.arrive(2)), std::logic_error);
}

TEST(BarrierCancellation, ACancelledWaitHasArrived) {
  coir::barrier together{2};
  int cancelled = 0;
  coir::run([&] {
    coir::spawn([&] {
      try {
        together.arrive_and_wait();
      } catch (const coir::cancelled&) {
        ++cancelled;
        throw;
      }
    });
    coir::this_fiber::yield();
  });
  EXPECT_EQ(cancelled, 1);
  together.arrive_and_wait();
}

using BarrierDeadlock = coir_test::deadlock_test;
TEST_F(BarrierDeadlock, AWaitThatNobodyCanEndThrows) {
  coir::barrier together{2};
  EXPECT_THROW(coir::run([&] { together.arrive_and_wait(); }), coir::deadlock);
}

}  // namespace
