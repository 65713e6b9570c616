// event_test.cpp - one says that something happened, any number hear it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/event.hpp>
#include <coir/sanitizer.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class Event : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Event, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(!std::is_copy_constructible_v<coir::event>);
constinit coir::event at_program_start;

TEST_P(Event, ItBeginsUnset) {
  coir::event e;
  EXPECT_FALSE(e.is_set());
  EXPECT_FALSE(e.try_wait());
  EXPECT_FALSE(at_program_start.is_set());
}

TEST_P(Event, ItStaysSetUntilReset) {
  with_parties([](parties&) {
    coir::event e;
    e.set();
    e.set();
    e.wait();
    e.wait();
    EXPECT_TRUE(e.try_wait());
    EXPECT_TRUE(e.wait_for(0s));
    EXPECT_TRUE(e.wait_for(1h));
    e.reset();
    EXPECT_FALSE(e.is_set());
    e.clear();
    EXPECT_FALSE(e.is_set());
    e.set();
    e.wait();
  });
}

TEST_P(Event, SetWakesEveryoneAndShowsWhatCameBefore) {
  with_parties([](parties& all) {
    coir::event e;
    int data = 0;
    std::atomic<int> seen{0};
    for (int i = 0; i < 8; ++i)
      all.start([&] {
        e.wait();
        seen += data;
      });
    all.start([&] {
      data = 1;
      e.set();
    });
    all.join();
    EXPECT_EQ(seen, 8);
  });
}

TEST_P(Event, AWaitThatTimesOutSaysSoAndLeavesNothingBehind) {
  with_parties([](parties&) {
    coir::event e;
    EXPECT_FALSE(e.wait_for(0s));
    EXPECT_FALSE(e.wait_for(-1s));
    EXPECT_FALSE(e.wait_for(1ms));
    EXPECT_FALSE(e.wait_until(std::chrono::steady_clock::now() + 1ms));
    EXPECT_FALSE(e.wait_until(std::chrono::system_clock::now() + 1ms));
    e.set();
    EXPECT_TRUE(e.wait_for(1ms));
  });
}

TEST_P(Event, TimesOutNotBeforeItsTime) {
  with_parties([](parties&) {
    coir::event e;
    auto end = std::chrono::steady_clock::now() + 2ms;
    EXPECT_FALSE(e.wait_until(end));
    EXPECT_GE(std::chrono::steady_clock::now(), end);
  });
}

TEST_P(Event, ATimedWaitIsEndedBySet) {
  with_parties([](parties& all) {
    coir::event e;
    std::atomic<int> in_time{0};
    for (int i = 0; i < 4; ++i) all.start([&] { in_time += e.wait_for(1h) ? 1 : 0; });
    all.start([&] { e.set(); });
    all.join();
    EXPECT_EQ(in_time, 4);
  });
}

TEST_P(Event, ItMayBeDestroyedWhenWaitReturns) {
  with_parties([](parties& all) {
    for (int i = 0; i < 300; ++i) {
      auto e = std::make_unique<coir::event>();
      all.start([raw = e.get()] { raw->set(); });
      e->wait();
      e.reset();
    }
  });
}

TEST_P(Event, ResetMakesLaterWaitsWaitAgain) {
  with_parties([](parties& all) {
    coir::event ping, pong;
    int turns = 0;
    all.start([&] {
      for (int i = 0; i < 100; ++i) {
        ping.wait();
        ping.reset();
        ++turns;
        pong.set();
      }
    });
    for (int i = 0; i < 100; ++i) {
      ping.set();
      pong.wait();
      pong.reset();
      EXPECT_EQ(turns, i + 1);
    }
    all.join();
  });
}

TEST(EventTime, AnHourPassesAtOnceOnTheVirtualClock) {
  coir_test::virtual_time clock;
  coir::run([] {
    coir::event e;
    EXPECT_FALSE(e.wait_for(1h));
    auto t = coir::spawn([&] {
      coir::this_fiber::sleep_for(1h);
      e.set();
    });
    EXPECT_FALSE(e.wait_for(59min));
    EXPECT_TRUE(e.wait_for(2min));
    t.join();
  });
}

TEST(EventCancellation, AWaitIsCancelledWhenTheRuntimeEnds) {
  int cancelled = 0, returned = 0;
  coir::event e;
  coir::run([&] {
    for (int i = 0; i < 3; ++i)
      coir::spawn([&] {
        try {
          e.wait();
          ++returned;
        } catch (const coir::cancelled&) {
          ++cancelled;
          throw;
        }
      });
    coir::this_fiber::yield();
  });
  EXPECT_EQ(cancelled, 3);
  EXPECT_EQ(returned, 0);
}

TEST(EventCancellation, ARequestIsDeliveredBeforeAWaitHasAnyEffect) {
  bool told = false;
  coir::event set, never;
  set.set();
  coir::run([&] {
    coir::spawn([&] {
      try {
        never.wait();
      } catch (const coir::cancelled&) {
        set.wait();  // told once only: this is not the next request
        told = true;
      }
    });
    coir::this_fiber::yield();
  });
  EXPECT_TRUE(told);
}

using EventDeadlock = coir_test::deadlock_test;
TEST_F(EventDeadlock, AWaitThatNobodyCanEndThrows) {
  coir::event never;
  EXPECT_THROW(coir::run([&] { never.wait(); }), coir::deadlock);
}

TEST_F(EventDeadlock, ItIsFoundThoughAForeignThreadLivedWhenItWasFirstAskedFor) {
  if (COIR_TSAN) GTEST_SKIP() << "the checker makes a thread of its own with the first of ours";
  using namespace std::chrono_literals;
  for (unsigned workers : {1U, 4U}) {
    coir::event never;
    std::thread foreign([] { std::this_thread::sleep_for(150ms); });
    EXPECT_THROW(coir::run([&] { never.wait(); }, {.workers = workers}), coir::deadlock);
    foreign.join();
  }
}

}  // namespace
