// uncancellable_test.cpp - what is not cancelled: masks, unwinding, and the end of a runtime.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/event.hpp>
#include <coir/runtime.hpp>
#include <coir/spawn.hpp>
#include <coir/this_fiber.hpp>
#include <coir/uncancellable.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/virtual_run.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::cancellation_point;
using coir::this_fiber::sleep_for;

class UncancellableTest : public coir_test::virtual_run_test {};
INSTANTIATE_TEST_SUITE_P(Workers, UncancellableTest, coir_test::one_and_four_workers());

TEST_P(UncancellableTest, NothingIsThrownInsideUncancellableAndAtTheFirstPointAfter) {
  run([] {
    std::vector<std::string> passed;
    auto t = coir::spawn([&] {
      {
        coir::uncancellable outer;
        sleep_for(1s);
        {
          coir::uncancellable inner;
          sleep_for(1s);
        }
        sleep_for(1s);
        passed.emplace_back("inside");
      }
      passed.emplace_back("after");
      cancellation_point();
      passed.emplace_back("beyond");
    });
    settle();
    t.cancel();
    t.join();
    EXPECT_EQ(passed, (std::vector<std::string>{"inside", "after"}));
    EXPECT_TRUE(t.cancelled());
  });
  EXPECT_GE(clock_.elapsed(), 3s);
}

TEST_P(UncancellableTest, OneThatIsAskedInsideUncancellableAndThenWaitsIsTold) {
  // By a plain thread, anywhere around the end of the mask.
  run([] {
    for (int round = 0; round < 500; ++round) {
      coir::event never;
      std::atomic<bool> go{false};
      auto t = coir::spawn([&] {
        {
          coir::uncancellable here;
          go = true;
          coir::this_fiber::yield();
        }
        never.wait();
      });
      std::thread canceller([&] {
        while (!go) std::this_thread::yield();
        t.cancel();
      });
      t.join();
      canceller.join();
      EXPECT_TRUE(t.cancelled());
    }
  });
}

TEST_P(UncancellableTest, ADestructorThatWaitsDuringUnwindingIsNotCancelled) {
  run([] {
    bool said_goodbye = false;
    struct connection {
      bool& said_goodbye;
      ~connection() {
        sleep_for(1s);
        cancellation_point();
        said_goodbye = true;
      }
    };
    auto t = coir::spawn([&] {
      connection c{said_goodbye};
      sleep_for(1h);
    });
    settle();
    t.cancel();
    settle();  // it is in the destructor
    t.cancel();
    settle();
    EXPECT_FALSE(t.done());
    t.join();
    EXPECT_TRUE(said_goodbye);
    EXPECT_TRUE(t.cancelled());
  });
}

TEST_P(UncancellableTest, AFiberThatWaitsInACatchBlockIsCancelled) {
  run([] {
    auto t = coir::spawn([] {
      try {
        throw std::runtime_error("handled slowly");
      } catch (const std::runtime_error&) {
        sleep_for(1h);
      }
    });
    settle();
    t.cancel();
    t.join();
    EXPECT_TRUE(t.cancelled());
  });
  EXPECT_LT(clock_.elapsed(), 1h);
}

TEST_P(UncancellableTest, ATaskThatIsWaitedForInAMaskIsNotCancelled) {
  run([] {
    auto t = coir::spawn([] { sleep_for(1h); });
    auto waiter = coir::spawn([&] {
      coir::uncancellable here;
      t.get();
    });
    settle();
    waiter.cancel();
    waiter.get();
    EXPECT_FALSE(t.cancelled());
  });
  EXPECT_GE(clock_.elapsed(), 1h);
}

TEST(Uncancellable, DoesNothingOnAPlainThread) {
  coir::uncancellable here;
  cancellation_point();
  sleep_for(0s);
}

TEST_P(UncancellableTest, WhatIsLeftAtTheEndIsCancelledAndJoinedAndMayWaitInItsDestructors) {
  bool destroyed = false;
  bool swallowed = false;
  coir::task<int> swallower;
  coir::task<void> destroyer;
  coir::event never;
  run([&] {
    swallower = coir::spawn([&] {
      try {
        never.wait();
      } catch (const coir::cancelled&) {
        swallowed = true;
      }
      sleep_for(1s);
      return 7;
    });
    destroyer = coir::spawn([&] {
      struct slow {
        bool& destroyed;
        ~slow() {
          sleep_for(1s);
          destroyed = true;
        }
      } own{destroyed};
      never.wait();
    });
    settle();
  });
  EXPECT_TRUE(swallowed && destroyed);
  EXPECT_EQ(swallower.get(), 7);
  EXPECT_FALSE(swallower.cancelled());
  EXPECT_TRUE(destroyer.cancelled());
}

TEST_P(UncancellableTest, WhatIsSpawnedWhenTheRuntimeEndsIsCancelledThoughItIsWaitedForAtOnce) {
  bool began = false;
  std::atomic<bool> told{false};
  coir::event never;
  run([&] {
    coir::spawn([&] {
      try {
        began = true;
        never.wait();
      } catch (const coir::cancelled&) {
        auto helper = coir::spawn([&] { never.wait(); });
        helper.join();
        told = helper.cancelled();
      }
    });
    while (!began) settle();
  });
  EXPECT_TRUE(told);
}

TEST_P(UncancellableTest, TheEndOfARuntimeIsNothingToAFiberThatIsBeingMade) {
  // By the copy of what it is to run; its control block was one of that runtime's fibers before.
  struct ender {
    explicit ender(std::optional<coir::runtime>& of) : last(of) {}
    ender(const ender& other) : last(other.last) { last.reset(); }
    ender(ender&& other) noexcept = default;
    int operator()() const { return 5; }
    std::optional<coir::runtime>& last;
  };
  run([] {
    std::optional<coir::runtime> other(std::in_place);
    other->run_until_complete([] {
      for (int i = 0; i < 10; ++i) coir::spawn([] {}).join();
    });
    const ender one(other);
    auto t = coir::spawn(one);
    EXPECT_FALSE(other.has_value());
    EXPECT_EQ(t.get(), 5);
  });
}

}  // namespace
