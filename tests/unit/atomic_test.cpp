// atomic_test.cpp - std::atomic whose wait suspends the fiber.
// SPDX-License-Identifier: BSL-1.0
#include <coir/atomic.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <type_traits>

#include "support/parties.hpp"

namespace {

using coir_test::parties;

class AtomicTest : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, AtomicTest, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(std::is_base_of_v<std::atomic<int>, coir::atomic<int>>);
static_assert(!std::is_copy_constructible_v<coir::atomic<int>>);
static_assert(std::is_base_of_v<std::atomic_flag, coir::atomic_flag>);
static_assert(std::is_standard_layout_v<coir::atomic<int>>);

TEST(Atomic, IsTheStandardsInAllElse) {
  coir::atomic<int> a{1};
  a += 2;
  EXPECT_EQ(a.fetch_sub(1), 3);
  a = 7;
  EXPECT_EQ(a, 7);
  int expected = 7;
  EXPECT_TRUE(a.compare_exchange_strong(expected, 8));
  static constinit coir::atomic<int> made_early{3};
  EXPECT_EQ(made_early.load(), 3);
}

TEST(Atomic, AFlagIsTheStandardsInAllElse) {
  coir::atomic_flag flag = ATOMIC_FLAG_INIT;
  EXPECT_FALSE(std::atomic_flag_test_and_set(&flag));
  EXPECT_TRUE(flag.test());
  flag.clear();
  EXPECT_FALSE(flag.test_and_set());
  static constinit coir::atomic_flag made_early;
  EXPECT_FALSE(made_early.test());
}

TEST_P(AtomicTest, TheFunctionsOfTheStandardWaitAndNotify) {
  with_parties([](parties& all) {
    volatile coir::atomic<int> stage{0};
    coir::atomic_flag last;
    all.start([&] {
      coir::atomic_wait(&stage, 0);
      stage.store(2);
      coir::atomic_notify_one(&stage);
      last.wait(false);
    });
    all.start([&] {
      stage.store(1);
      coir::atomic_notify_all(&stage);
      coir::atomic_wait_explicit(&stage, 1, std::memory_order_acquire);
      EXPECT_EQ(stage.load(), 2);
      last.test_and_set();
      coir::atomic_flag_notify_all(&last);
      coir::atomic_flag_wait_explicit(&last, false, std::memory_order_acquire);
    });
    all.join();
  });
}

TEST_P(AtomicTest, TwoPlayPingPong) {
  with_parties([](parties& all) {
    coir::atomic<int> turn{0};
    for (int me = 0; me < 2; ++me)
      all.start([&turn, me] {
        for (int round = 0; round < 200; ++round) {
          const int mine = 2 * round + me;
          for (int now = turn.load(); now != mine; now = turn.load()) turn.wait(now);
          turn.store(mine + 1);
          turn.notify_all();
        }
      });
    all.join();
    EXPECT_EQ(turn, 400);
  });
}

TEST_P(AtomicTest, NotifyOneWakesOneOfThoseOnTheSameAddressOnly) {
  with_parties([](parties& all) {
    struct {
      coir::atomic<int> here{0};
      coir::atomic<int> there{0};
    } two;
    std::atomic<int> woken{0};
    for (int i = 0; i < 4; ++i)
      all.start([&] {
        two.here.wait(0);
        ++woken;
        two.here.notify_one();
      });
    all.start([&] { two.there.wait(0); });
    all.start([&] {
      two.here.store(1);
      two.here.notify_one();
      coir_test::until([&] { return woken == 4; });
      two.there.store(1);
      two.there.notify_one();
    });
    all.join();
    EXPECT_EQ(woken, 4);
  });
}

TEST_P(AtomicTest, AFlagIsWaitedForLikewise) {
  with_parties([](parties& all) {
    coir::atomic_flag flag;
    all.start([&] {
      flag.wait(false);
      EXPECT_TRUE(flag.test());
    });
    all.start([&] {
      EXPECT_FALSE(flag.test_and_set());
      flag.notify_all();
    });
    all.join();
  });
}

}  // namespace
