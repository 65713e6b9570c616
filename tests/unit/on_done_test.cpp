// on_done_test.cpp - callbacks at the end of a task.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/event.hpp>
#include <coir/runtime.hpp>
#include <coir/testing.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;

class OnDoneTest : public coir_test::leaks_no_stack<testing::TestWithParam<unsigned>> {
 protected:
  template <class F>
  auto run(F f) {
    return coir::run(std::move(f), {.workers = GetParam(), .on_unhandled = take_unhandled()});
  }
  std::function<void(std::string_view, std::exception_ptr)> take_unhandled() {
    return [this](std::string_view, const std::exception_ptr& failure) {
      ++unhandled_;
      EXPECT_THROW(std::rethrow_exception(failure), std::runtime_error);
    };
  }

  static void settle() { sleep_for(1ms); }

  coir::testing::virtual_time clock_;
  std::atomic<int> unhandled_{0};
};
INSTANTIATE_TEST_SUITE_P(Workers, OnDoneTest, coir_test::one_and_four_workers());

TEST_P(OnDoneTest, ACallbackGetsTheTaskThatHasEnded) {
  run([] {
    std::atomic<int> sum{0};
    auto t = coir::spawn([] { return 4; });
    t.on_done([&](const coir::task<int>& one) {
      EXPECT_TRUE(one.done());
      sum += one.get();
    });
    t.on_done(std::bind_front(
        [&](int factor, coir::task<int> one) {
          EXPECT_NE(coir::this_fiber::get_id(), coir::fiber_id());
          sum += factor * one.get();
        },
        10));
    EXPECT_EQ(sum, 0);
    settle();
    EXPECT_EQ(sum, 44);
  });
}

TEST_P(OnDoneTest, ItIsNeverCalledWithinOnDone) {
  run([] {
    for (bool done_before : {false, true}) {
      auto t = coir::spawn([] {});
      if (done_before) t.join();
      const auto self = coir::this_fiber::get_id();
      std::atomic<bool> called{false};
      std::atomic<bool> by_another{false};
      t.on_done([&](const coir::task<void>&) {
        by_another = coir::this_fiber::get_id() != self;
        called = true;
      });
      if (coir::runtime::current()->stats().live_fibers != 0 && GetParam() == 1) {
        EXPECT_FALSE(called);
      }
      settle();
      EXPECT_TRUE(called && by_another);
    }
  });
}

TEST_P(OnDoneTest, TheFirstRegisteredIsCalledFirst) {
  if (GetParam() != 1) GTEST_SKIP() << "several workers call several at once";
  run([] {
    std::vector<int> order;
    auto t = coir::spawn([] { sleep_for(1s); });
    for (int i = 0; i < 20; ++i) t.on_done([&, i](const coir::task<void>&) { order.push_back(i); });
    t.join();
    for (int i = 20; i < 40; ++i)
      t.on_done([&, i](const coir::task<void>&) { order.push_back(i); });
    settle();
    ASSERT_EQ(order.size(), 40U);
    for (int i = 0; i < 40; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  });
}

TEST_P(OnDoneTest, ItIsCalledHoweverTheTaskEnds) {
  run([] {
    std::atomic<int> failed{0};
    std::atomic<int> cancelled{0};
    auto count = [&](const coir::task<void>& t) {
      if (t.cancelled()) {
        ++cancelled;
      } else if (t.exception() != nullptr) {
        ++failed;
      }
    };
    auto fails = coir::spawn([] { throw std::runtime_error("expected"); });
    fails.on_done(count);
    auto waits = coir::spawn([] { sleep_for(24h); });
    waits.on_done(count);
    auto never_starts = coir::spawn({.pinned = true}, [] {});
    never_starts.on_done(count);
    never_starts.cancel();
    settle();
    waits.cancel();
    settle();
    EXPECT_EQ(failed, 1);
    EXPECT_EQ(cancelled, 2);
  });
  EXPECT_EQ(unhandled_, 0) << "the callbacks have looked";
}

TEST_P(OnDoneTest, WhatItThrowsIsReportedAndTheOthersAreCalled) {
  std::atomic<int> called{0};
  run([&] {
    auto t = coir::spawn([] {});
    for (int i = 0; i < 3; ++i)
      t.on_done([&](const coir::task<void>&) {
        ++called;
        throw std::runtime_error("by a callback");
      });
    settle();
  });
  EXPECT_EQ(called, 3);
  EXPECT_EQ(unhandled_, 3);
}

TEST_P(OnDoneTest, ItMayWaitAndRegisterOthers) {
  run([] {
    std::atomic<int> called{0};
    auto t = coir::spawn([] {});
    t.on_done([&](coir::task<void> one) {
      sleep_for(1s);
      one.join();
      one.on_done([&](const coir::task<void>&) { ++called; });
      ++called;
    });
    sleep_for(2s);
    EXPECT_EQ(called, 2);
  });
}

TEST_P(OnDoneTest, ItKeepsTheOutcomeAndNothingElse) {
  auto token = std::make_shared<int>(0);
  run([&] {
    coir::spawn([token] {
      return token;
    }).on_done([token](const coir::task<std::shared_ptr<int>>& t) { EXPECT_EQ(t.get(), token); });
    settle();
    EXPECT_EQ(token.use_count(), 1);
  });
}

TEST_P(OnDoneTest, OneThatIsRegisteredWhileTheTaskEndsElsewhereIsCalledOnce) {
  run([] {
    std::atomic<int> called{0};
    constexpr int rounds = 100;
    for (int i = 0; i < rounds; ++i) {
      coir::event end;
      auto t = coir::spawn([&] { end.wait(); });
      std::thread other([&] {
        end.set();
        t.on_done([&](const coir::task<void>&) { ++called; });
      });
      t.join();
      t.on_done([&](const coir::task<void>&) { ++called; });
      other.join();
    }
    while (called < 2 * rounds) coir::this_fiber::yield();
    settle();
    EXPECT_EQ(called, 2 * rounds);
  });
}

TEST_P(OnDoneTest, ItIsCalledThoughTheRuntimeEnds) {
  std::atomic<int> called{0};
  coir::task<void> left;
  coir::event never;
  run([&] {
    left = coir::spawn([&] { never.wait(); });
    left.on_done([&](const coir::task<void>& t) {
      EXPECT_TRUE(t.cancelled());
      ++called;
    });
    auto fresh = coir::spawn({.pinned = true}, [] {});
    fresh.on_done([&](const coir::task<void>&) { ++called; });
  });
  EXPECT_EQ(called, 2);
}

TEST_P(OnDoneTest, OneThatWaitsWhenTheRuntimeEndsIsToldSo) {
  std::atomic<int> told{0};
  coir::event never;
  run([&] {
    auto wait = [&](const coir::task<void>&) {
      try {
        never.wait();
      } catch (const coir::cancelled&) {
        ++told;
        throw;
      }
    };
    auto ended = coir::spawn([] {});
    ended.join();
    ended.on_done(wait);  // begins before the end
    auto left = coir::spawn([&] { never.wait(); });
    left.on_done(wait);  // begins by it
    settle();
  });
  EXPECT_EQ(told, 2);
}

TEST_P(OnDoneTest, WhereTheRuntimeHasGoneTheCallersCalls) {
  coir::task<int> kept;
  run([&] {
    kept = coir::spawn([] { return 3; });
    kept.join();
  });
  std::atomic<coir::runtime*> by{nullptr};
  coir::run(
      [&] {
        coir::event called;
        kept.on_done([&](const coir::task<int>& t) {
          EXPECT_EQ(t.get(), 3);
          by = coir::runtime::current();
          called.set();
        });
        called.wait();
        EXPECT_EQ(by, coir::runtime::current());
      },
      {.workers = GetParam()});
}

TEST_P(OnDoneTest, ACallbackThatCannotBeMadeIsNotCalledAndTheTaskIsAsItWas) {
  struct brittle {
    brittle() = default;
    brittle(const brittle&) { throw std::runtime_error("it does not copy"); }
    void operator()(const coir::task<int>&) const { ADD_FAILURE() << "called"; }
  };
  run([] {
    auto t = coir::spawn([] { return 1; });
    const brittle one;
    EXPECT_THROW(t.on_done(one), std::runtime_error);
    EXPECT_EQ(t.get(), 1);
    settle();
  });
}

}  // namespace
