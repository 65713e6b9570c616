// run_test.cpp - a runtime for the life of one function.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/runtime.hpp>
#include <coir/stack.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class RunTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, RunTest, coir_test::one_and_four_workers());

TEST_P(RunTest, ItReturnsWhatTheFunctionReturns) {
  EXPECT_EQ(run([] { return 42; }), 42);
  EXPECT_EQ(*run([] { return std::make_unique<int>(7); }), 7);
  static int place = 0;
  static_assert(std::is_same_v<decltype(coir::run([] {})), void>);
  run([] { place = 1; });
  EXPECT_EQ(place, 1);
}

TEST_P(RunTest, ItRethrowsWhatTheFunctionThrows) {
  EXPECT_THROW(run([] { throw std::runtime_error("out"); }), std::runtime_error);
  EXPECT_THROW(run([]() -> int { throw 5; }), int);
  EXPECT_THROW(run([] { throw coir::cancelled(); }), coir::cancelled);
}

TEST_P(RunTest, ThereIsACurrentRuntimeInsideOnly) {
  EXPECT_EQ(coir::runtime::current(), nullptr);
  run([] { EXPECT_NE(coir::runtime::current(), nullptr); });
  EXPECT_EQ(coir::runtime::current(), nullptr);
}

TEST_P(RunTest, InsideAFiberItRunsAChildAndWaits) {
  run([] {
    coir::runtime* outer = coir::runtime::current();
    coir::fiber_id self = coir::this_fiber::get_id();
    int result = coir::run([&] {
      EXPECT_EQ(coir::runtime::current(), outer);
      EXPECT_NE(coir::this_fiber::get_id(), self);
      return coir::run([] { return 5; });
    });
    EXPECT_EQ(result, 5);
    EXPECT_THROW(coir::run([] { throw std::runtime_error("out"); }), std::runtime_error);
  });
}

// How much of the stack is in use below a frame of 500 KiB.
[[gnu::noinline]] std::size_t below_a_large_frame() {
  char frame[500 * 1024];
  asm volatile("" : : "r"(frame) : "memory");
  std::size_t used = coir::this_fiber::stack_used();
  asm volatile("" : : "r"(frame) : "memory");
  return used;
}

TEST_P(RunTest, InsideAFiberItTakesANameAndAStackSizeAndNothingElse) {
  run([] {
    EXPECT_EQ(coir::run([] { return coir::this_fiber::name(); }, {.name = "child"}), "child");
    EXPECT_GT(coir::run(below_a_large_frame, {.stack_size = 1024 * 1024}), 500U * 1024);
    EXPECT_THROW(coir::run([] {}, {.workers = 2}), std::invalid_argument);
    EXPECT_THROW(coir::run([] {}, {.guard_size = 0}), std::invalid_argument);
    EXPECT_THROW(coir::run([] {}, {.on_unhandled = [](std::string_view, std::exception_ptr) {}}),
                 std::invalid_argument);
    EXPECT_THROW(coir::run([] {}, {.warn_if_running_longer_than = 1s}), std::invalid_argument);
    EXPECT_THROW(coir::run([] {}, {.warn_if_blocked_longer_than = 1s}), std::invalid_argument);
  });
}

TEST_P(RunTest, FibersLeftOverAreCancelledOutOfTheirSleepAndJoined) {
  std::atomic<int> thrown{0};
  std::atomic<int> destroyed{0};
  struct guard {
    std::atomic<int>& count;
    ~guard() { ++count; }
  };
  constexpr int sleepers = 50;
  run([&] {
    for (int i = 0; i < sleepers; ++i) {
      coir::spawn([&] {
        guard g{destroyed};
        try {
          coir::this_fiber::sleep_for(1h);
        } catch (const coir::cancelled&) {
          ++thrown;
          throw;
        }
      });
    }
    while (coir::runtime::current()->stats().live_fibers != sleepers + 1 || thrown != 0) {
    }
    for (int i = 0; i < 100; ++i) coir::this_fiber::yield();
  });
  EXPECT_EQ(destroyed, thrown) << "those that started";
  if (GetParam() == 1) {
    EXPECT_EQ(thrown, sleepers);
  }
}

TEST_P(RunTest, ATaskThatWasCancelledAtTheEndSaysSo) {
  coir::task<void> kept;
  run([&] {
    kept = coir::spawn([] { coir::this_fiber::sleep_for(1h); });
    coir::this_fiber::yield();
  });
  EXPECT_TRUE(kept.done());
  EXPECT_TRUE(kept.cancelled());
  EXPECT_THROW(kept.get(), coir::cancelled);
}

TEST(RunEnd, AFiberThatHasNotStartedNeverRuns) {
  bool ran = false;
  auto token = std::make_shared<int>(0);
  coir::task<void> kept;
  coir::run([&] { kept = coir::spawn([&ran, token] { ran = true; }); });
  EXPECT_FALSE(ran);
  EXPECT_TRUE(kept.cancelled());
  EXPECT_EQ(token.use_count(), 1) << "its closure is destroyed all the same";
}

TEST_P(RunTest, FibersThatOnlyYieldEndTooWhenTheFunctionDoes) {
  std::atomic<int> ended{0};
  run([&] {
    for (int i = 0; i < 4; ++i) {
      coir::spawn([&] {
        try {
          while (true) coir::this_fiber::yield();
        } catch (const coir::cancelled&) {
          ++ended;
        }
      });
    }
    for (int i = 0; i < 1'000; ++i) coir::this_fiber::yield();
  });
  if (GetParam() == 1) {
    EXPECT_EQ(ended, 4);
  }
}

TEST_P(RunTest, TheEndIsAskedForOnceSoThatDestructorsMayWait) {
  std::atomic<int> finished{0};
  struct slow {
    std::atomic<int>& count;
    ~slow() {
      for (int i = 0; i < 10; ++i) {
        coir::this_fiber::sleep_for(1us);
        coir::this_fiber::yield();
      }
      ++count;
    }
  };
  std::atomic<int> started{0};
  run([&] {
    for (int i = 0; i < 100; ++i) {
      coir::spawn([&] {
        ++started;
        slow s{finished};
        coir::this_fiber::sleep_for(1h);
      });
    }
    while (started < 100) coir::this_fiber::yield();
  });
  EXPECT_EQ(finished, 100);
}

TEST_P(RunTest, AFiberThatSwallowsTheCancellationIsWaitedFor) {
  std::atomic<bool> went_on{false};
  std::atomic<bool> waits{false};
  run([&] {
    coir::spawn([&] {
      waits = true;
      try {
        coir::this_fiber::sleep_for(1h);
      } catch (const coir::cancelled&) {
      }
      for (int i = 0; i < 200; ++i) coir::this_fiber::yield();
      went_on = true;
    });
    while (!waits) coir::this_fiber::yield();
  });
  EXPECT_TRUE(went_on);
}

TEST_P(RunTest, AFiberThatIsJoinedByALeftOverOneIsCancelledToo) {
  std::atomic<int> cancelled{0};
  std::atomic<int> started{0};
  run([&] {
    coir::spawn([&] {
      auto inner = coir::spawn([&] {
        ++started;
        try {
          coir::this_fiber::sleep_for(1h);
        } catch (const coir::cancelled&) {
          ++cancelled;
          throw;
        }
      });
      try {
        inner.join();
      } catch (const coir::cancelled&) {
        ++cancelled;
        throw;
      }
    });
    while (started == 0) coir::this_fiber::yield();
  });
  // The outer one finds the end of the inner, or its own.
  EXPECT_GE(cancelled, 1);
  EXPECT_LE(cancelled, 2);
}

TEST_P(RunTest, AnExceptionHandledAroundItIsNotSeenByItsFibers) {
  try {
    throw std::runtime_error("outer");
  } catch (const std::runtime_error&) {
    run([] {
      EXPECT_EQ(std::current_exception(), nullptr);
      auto t = coir::spawn([] {
        EXPECT_EQ(std::current_exception(), nullptr);
        coir::this_fiber::sleep_for(1us);
        EXPECT_EQ(std::current_exception(), nullptr);
      });
      coir::this_fiber::yield();
      EXPECT_EQ(std::current_exception(), nullptr);
      t.join();
    });
    EXPECT_THROW(throw, std::runtime_error);
  }
}

TEST_P(RunTest, AFiberLeftOverFromAHandlerIsCancelledAsAnyOther) {
  std::atomic<bool> right{false};
  std::atomic<bool> waits{false};
  run([&] {
    coir::spawn([&] {
      try {
        throw std::runtime_error("inner");
      } catch (const std::runtime_error&) {
        try {
          waits = true;
          coir::this_fiber::sleep_for(1h);
        } catch (const coir::cancelled&) {
        }
        try {
          throw;
        } catch (const std::runtime_error& again) {
          right = std::string(again.what()) == "inner";
        }
      }
    });
    while (!waits) coir::this_fiber::yield();
  });
  EXPECT_TRUE(right);
}

TEST_P(RunTest, OneRunMayFollowAnotherAThousandTimes) {
  for (int i = 0; i < 1'000; ++i) {
    int sum = run([i] {
      auto t = coir::spawn([i] { return i; });
      return t.get() + 1;
    });
    ASSERT_EQ(sum, i + 1);
  }
}

TEST(RunOptions, NoWorkersMeansOnePerCore) {
  EXPECT_EQ(coir::run([] { return 1; }, {.workers = 0}), 1);
}

TEST(RunOptions, WhatCannotBeIsAnInvalidArgument) {
  EXPECT_THROW(coir::run([] {}, {.workers = 100'000}), std::invalid_argument);
  EXPECT_THROW(coir::run([] {}, {.stack_size = 0}), std::invalid_argument);
}

}  // namespace
