// cancel_waiter_test.cpp - who waits for a task and is asked to end.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/event.hpp>
#include <coir/runtime.hpp>
#include <coir/shield.hpp>
#include <coir/spawn.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "support/parties.hpp"
#include "support/virtual_run.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::cancellation_point;
using coir::this_fiber::sleep_for;

class CancelWaiterTest : public coir_test::virtual_run_test {};
INSTANTIATE_TEST_SUITE_P(Workers, CancelWaiterTest, coir_test::one_and_four_workers());

TEST_P(CancelWaiterTest, WhoWaitsForATaskHasItCancelledAndWaitsForItsEnd) {
  auto ends = [&](auto wait) {
    run([&] {
      bool cleaned_up = false;
      auto t = coir::spawn([&] {
        try {
          sleep_for(24h);
        } catch (const coir::cancelled&) {
          sleep_for(1s);
          cleaned_up = true;
          throw;
        }
        return 1;
      });
      auto waiter = coir::spawn([&] {
        try {
          wait(t);
          ADD_FAILURE() << "it returned";
        } catch (const coir::cancelled& c) {
          EXPECT_EQ(c.message(), "you");
          EXPECT_TRUE(cleaned_up);
          throw;
        }
      });
      settle();
      waiter.cancel("you");
      waiter.join();
      EXPECT_TRUE(waiter.cancelled());
      EXPECT_TRUE(t.cancelled());
    });
  };
  ends([](auto& t) { t.get(); });
  ends([](auto& t) { t.take(); });
  ends([](auto& t) { t.join(); });
  ends([](auto& t) { static_cast<void>(t.exception()); });
}

TEST_P(CancelWaiterTest, ATaskThatSwallowsLetsItsWaiterSucceedAndTheRequestStays) {
  run([] {
    auto t = coir::spawn([] {
      try {
        sleep_for(24h);
      } catch (const coir::cancelled&) {
      }
      return 5;
    });
    auto waiter = coir::spawn([&] {
      EXPECT_EQ(t.get(), 5);
      EXPECT_THROW(cancellation_point(), coir::cancelled);
      cancellation_point();
    });
    settle();
    waiter.cancel();
    waiter.get();
    EXPECT_FALSE(waiter.cancelled());
    EXPECT_FALSE(t.cancelled());
  });
}

TEST_P(CancelWaiterTest, ATaskThatFailsMeanwhileThrowsThatAndTheRequestStays) {
  run([] {
    auto t = coir::spawn([] {
      try {
        sleep_for(24h);
      } catch (const coir::cancelled&) {
        throw std::runtime_error("instead");
      }
    });
    auto waiter = coir::spawn([&] {
      EXPECT_THROW(t.get(), std::runtime_error);
      EXPECT_THROW(cancellation_point(), coir::cancelled);
    });
    settle();
    waiter.cancel();
    waiter.get();
  });
}

TEST_P(CancelWaiterTest, TheSecondRequestToAWaiterIsHandedOnAsWell) {
  run([] {
    int told = 0;
    auto t = coir::spawn([&] {
      while (told < 2) {
        try {
          sleep_for(24h);
        } catch (const coir::cancelled&) {
          if (++told == 2) throw;
        }
      }
    });
    auto waiter = coir::spawn([&] { t.get(); });
    settle();
    waiter.cancel();
    settle();
    EXPECT_EQ(told, 1);
    EXPECT_FALSE(waiter.done());
    waiter.cancel();
    waiter.join();
    EXPECT_EQ(told, 2);
    EXPECT_TRUE(waiter.cancelled());
  });
}

TEST_P(CancelWaiterTest, AShieldedTaskRunsOn) {
  run([] {
    auto t = coir::spawn([] {
      sleep_for(1h);
      return 6;
    });
    auto getter = coir::spawn([&] { return coir::shield(t).get(); });
    auto joiner = coir::spawn([&] { coir::shield(t).join(); });
    settle();
    getter.cancel();
    joiner.cancel();
    getter.join();
    joiner.join();
    EXPECT_TRUE(getter.cancelled() && joiner.cancelled());
    EXPECT_FALSE(t.done());
    EXPECT_EQ(coir::shield(t).get(), 6);
  });
  EXPECT_GE(clock_.elapsed(), 1h);
}

TEST_P(CancelWaiterTest, AShieldKeepsOffNothingButTheWaiter) {
  run([] {
    auto t = coir::spawn([] { sleep_for(1h); });
    auto waiter = coir::spawn([&] { coir::shield(t).get(); });
    settle();
    t.cancel();
    waiter.join();
    EXPECT_TRUE(waiter.cancelled()) << "the exception of the task";
    EXPECT_TRUE(t.cancelled());
  });
}

TEST_P(CancelWaiterTest, ATaskThatTwoWaitForEndsWhenOneIsCancelled) {
  run([] {
    auto t = coir::spawn([] { sleep_for(24h); });
    auto first = coir::spawn([&] { t.get(); });
    auto second = coir::spawn([&] {
      EXPECT_THROW(t.get(), coir::cancelled);
      cancellation_point();  // nobody asked this one
      t.join();              // and a join throws nothing of the task's
    });
    settle();
    first.cancel();
    second.get();
    first.join();
    EXPECT_TRUE(first.cancelled());
  });
}

TEST_P(CancelWaiterTest, AChainOfWaitersEndsFromItsTail) {
  run([] {
    std::vector<int> order;
    std::vector<coir::task<void>> chain;
    chain.push_back(coir::spawn([&] {
      try {
        sleep_for(24h);
      } catch (const coir::cancelled&) {
        order.push_back(0);
        throw;
      }
    }));
    for (int i = 1; i < 100; ++i)
      chain.push_back(coir::spawn([&, i, before = chain.back()] {
        try {
          before.get();
        } catch (const coir::cancelled&) {
          order.push_back(i);
          throw;
        }
      }));
    settle();
    chain.back().cancel();
    chain.back().join();
    ASSERT_EQ(order.size(), 100U);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  });
}

TEST_P(CancelWaiterTest, AWaiterInAnotherRuntimeHandsOn) {
  run([] {
    coir::runtime other = coir::runtime::background({.workers = 2});
    coir::event never;
    std::atomic<bool> started{false};
    auto t = other.spawn([&] {
      started = true;
      never.wait();
    });
    auto waiter = coir::spawn([&] { t.get(); });
    coir_test::until([&] { return started.load(); });
    settle();
    waiter.cancel();
    waiter.join();
    EXPECT_TRUE(waiter.cancelled());
    EXPECT_TRUE(t.cancelled());
  });
}

TEST_P(CancelWaiterTest, ATaskIsLeftAloneByAWaiterThatIsToldOnEntry) {
  run([] {
    std::atomic<bool> ran{false};
    run_with_handle([&](coir::task<void>& self) {
      auto t = coir::spawn([&] { ran = true; });
      self.cancel();
      EXPECT_THROW(t.get(), coir::cancelled);
      EXPECT_FALSE(t.cancelled()) << "it was not waited for";
      t.get();
    });
    EXPECT_TRUE(ran);
  });
}

class CancelDeadlock : public coir_test::deadlock_test {};

TEST_F(CancelDeadlock, OfATaskThatSwallowedReachesItsWaiter) {
  coir::run([] {
    coir::event never;
    coir::task<int> t = coir::spawn([&] {
      try {
        never.wait();
      } catch (const coir::cancelled&) {
      }
      EXPECT_THROW(never.wait(), coir::deadlock);
      return 1;
    });
    auto waiter = coir::spawn([&] { EXPECT_THROW(t.get(), coir::deadlock); });
    coir::this_fiber::yield();
    coir::this_fiber::yield();
    waiter.cancel();
    EXPECT_THROW(waiter.join(), coir::deadlock);
    waiter.join();
    t.join();
  });
}

}  // namespace
