// timeout_test.cpp - deadlines for a stretch of calls.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancel.hpp>
#include <coir/cancelled.hpp>
#include <coir/channel.hpp>
#include <coir/event.hpp>
#include <coir/runtime.hpp>
#include <coir/semaphore.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "support/virtual_run.hpp"

namespace {

using namespace std::chrono_literals;
using coir::timed_out;
using coir::timeout_scope;
using coir::with_timeout;
using coir::this_fiber::cancellation_point;
using coir::this_fiber::sleep_for;

class TimeoutTest : public coir_test::virtual_run_test {};
INSTANTIATE_TEST_SUITE_P(Workers, TimeoutTest, coir_test::one_and_four_workers());

static_assert(std::is_same_v<decltype(with_timeout(1s, [] {})), void>);
static_assert(std::is_same_v<decltype(with_timeout(1s, [] { return 1; })), int>);
static_assert(std::is_same_v<decltype(with_timeout(1s, []() -> int& { throw 1; })), int&>);
static_assert(!std::is_copy_constructible_v<timeout_scope>);

TEST_P(TimeoutTest, WhatIsInTimeReturnsItsResult) {
  static int place = 0;
  run([] {
    EXPECT_EQ(with_timeout(1s, [] { return 5; }), 5);
    EXPECT_EQ(with_timeout(1s,
                           [] {
                             sleep_for(500ms);
                             return std::string("moved");
                           }),
              "moved");
    EXPECT_EQ(*with_timeout(1s, [] { return std::make_unique<int>(6); }), 6);
    EXPECT_EQ(&with_timeout(1s, []() -> int& { return place; }), &place);
    with_timeout(1s, [] {});
    with_timeout(std::chrono::steady_clock::now() + 1h, [] { sleep_for(1ms); });
    sleep_for(10s);  // none of them is still there
  });
}

TEST_P(TimeoutTest, WhatIsLateIsTimedOutAtTheDeadline) {
  run([&] {
    expires_after(1s, [] { with_timeout(1s, [] { sleep_for(1h); }); });
    expires_after(2s, [] {
      timeout_scope t{2s};
      EXPECT_FALSE(t.expired());
      sleep_for(1h);
    });
    coir::event never;
    expires_after(3s, [&] { with_timeout(3s, [&] { never.wait(); }); });
  });
}

TEST_P(TimeoutTest, InsideItIsACancellation) {
  run([] {
    bool cleaned_up = false;
    EXPECT_THROW(with_timeout(1s,
                              [&] {
                                try {
                                  sleep_for(1h);
                                } catch (const coir::cancelled& c) {
                                  EXPECT_EQ(c.message(), "");
                                  sleep_for(1h);  // told once
                                  cleaned_up = true;
                                  throw;
                                }
                              }),
                 timed_out);
    EXPECT_TRUE(cleaned_up);
  });
}

TEST_P(TimeoutTest, WhatReturnsAfterAllHasItsResult) {
  run([] {
    EXPECT_EQ(with_timeout(1s,
                           [] {
                             try {
                               sleep_for(1h);
                             } catch (const coir::cancelled&) {
                             }
                             return 5;
                           }),
              5);
    cancellation_point();
  });
}

TEST_P(TimeoutTest, WhatThrowsInTimeThrows) {
  run([] {
    EXPECT_THROW(with_timeout(1s, [] { throw std::runtime_error("its own"); }), std::runtime_error);
    EXPECT_THROW(with_timeout(1s, [] { throw coir::cancelled(); }), coir::cancelled);
    EXPECT_THROW(with_timeout(1s, [] { throw 3; }), int);
    try {
      with_timeout(1h, [] { throw timed_out(); });
    } catch (const timed_out&) {
    }
    sleep_for(2h);
  });
}

TEST_P(TimeoutTest, NothingIsDisturbedThatDoesNotWait) {
  run([&] {
    for (auto time : {0s, -1s, -100'000h + 0s, 1s}) {
      EXPECT_EQ(with_timeout(time, [] { return 1; }), 1);
      timeout_scope t{time};
      EXPECT_EQ(t.expired(), time <= 0s);
    }
    cancellation_point();
    timeout_scope expired{0s};
  });
}

TEST_P(TimeoutTest, AScopeOfZeroOrLessHasExpiredBeforeTheFirstWait) {
  run([&] {
    for (auto time : {0s, -1s, -1'000'000h + 0s}) {
      coir::semaphore permits{1};
      coir::channel<int> ch{1};
      expires_after(0s, [&] { with_timeout(time, [&] { permits.acquire(); }); });
      expires_after(0s, [&] {
        timeout_scope t{time};
        ch.send(1);
      });
      expires_after(0s, [&] { with_timeout(time, [&] { cancellation_point(); }); });
      EXPECT_TRUE(permits.try_acquire());
      EXPECT_TRUE(ch.empty());
    }
    expires_after(
        0s, [&] { with_timeout(std::chrono::steady_clock::now() - 1h, [] { sleep_for(1s); }); });
  });
}

TEST_P(TimeoutTest, ATimeTooLongToCountIsNever) {
  run([&] {
    with_timeout(std::chrono::hours::max(), [] { sleep_for(24h); });
    with_timeout(std::chrono::duration<double>(1e300), [] { sleep_for(24h); });
    with_timeout(std::chrono::nanoseconds::max(), [] { sleep_for(24h); });
    timeout_scope never;
    sleep_for(24h);
    EXPECT_FALSE(never.expired());
    never.reschedule(1s);
    expires_after(1s, [] { sleep_for(24h); });
    EXPECT_TRUE(never.expired());
  });
}

TEST_P(TimeoutTest, ADeadlineMayBeMoved) {
  run([&] {
    {
      timeout_scope t{1s};
      t.reschedule(3s);
      expires_after(3s, [] { sleep_for(1h); });
    }
    {
      timeout_scope t{3s};
      t.reschedule(1s);
      expires_after(1s, [] { sleep_for(1h); });
    }
    {
      timeout_scope t{1s};
      t.reschedule(std::chrono::hours::max());
      sleep_for(1h);
      t.reschedule(0s);
      EXPECT_TRUE(t.expired());
      expires_after(0s, [] { sleep_for(1h); });
      sleep_for(1h);  // told once
    }
    {
      timeout_scope t{1s};
      for (int i = 0; i < 100; ++i) {
        sleep_for(900ms);
        t.reschedule(1s);
      }
      t.reschedule(std::chrono::steady_clock::now() + 1h);
    }
    sleep_for(2h);
  });
}

TEST_P(TimeoutTest, ADeadlineThatHasPassedIsNotMoved) {
  run([] {
    timeout_scope t{1s};
    EXPECT_THROW(sleep_for(2s), timed_out);
    EXPECT_THROW(t.reschedule(1s), std::logic_error);
    timeout_scope untold{0s};
    EXPECT_THROW(untold.reschedule(1s), std::logic_error);
    EXPECT_THROW(cancellation_point(), timed_out);
    cancellation_point();
  });
}

class TimeoutOfAThread : public testing::Test {
 protected:
  // A worker of the default runtime keeps the last fiber's stack until it goes to sleep.
  void TearDown() override {
    for (int turn = 0; turn < 1'000'000 && coir::stack_stats().live != 0; ++turn)
      std::this_thread::yield();
    EXPECT_EQ(coir::stack_stats().live, 0U) << "a stack leaked";
  }
};

TEST_F(TimeoutOfAThread, AScopeIsALogicError) {
  EXPECT_THROW(timeout_scope t{1s}, std::logic_error);
  EXPECT_THROW(timeout_scope t, std::logic_error);
}

TEST_F(TimeoutOfAThread, ACallIsMadeByAFiberOfTheDefaultRuntime) {
  EXPECT_EQ(with_timeout(1h, coir::runtime::current), &coir::default_runtime());
  EXPECT_EQ(*with_timeout(1h, [] { return std::make_unique<int>(5); }), 5);
  int here = 1;
  int& found = with_timeout(1h, [&]() -> int& { return here; });
  EXPECT_EQ(&found, &here);
  int&& moved = with_timeout(1h, [&]() -> int&& { return std::move(here); });
  EXPECT_EQ(&moved, &here);
  with_timeout(1h, [&] { here = 2; });
  EXPECT_EQ(here, 2);
  EXPECT_THROW(with_timeout(1h, [] { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST_F(TimeoutOfAThread, ACallThatTakesLongerThrowsTimedOut) {
  coir::event never;
  EXPECT_THROW(with_timeout(1ms, [&] { never.wait(); }), coir::timed_out);
}

}  // namespace
