// unhandled_test.cpp - exceptions that nobody looked at.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/event.hpp>
#include <coir/gather.hpp>
#include <coir/runtime.hpp>
#include <coir/shield.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/workers.hpp"

namespace {

std::string words_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (int number) {
    return "the number " + std::to_string(number);
  } catch (const coir::cancelled&) {
    return "cancelled";
  }
}

class UnhandledTest : public coir_test::leaks_no_stack<testing::TestWithParam<unsigned>> {
 protected:
  // Runs f; what was reported until nothing of the runtime is left, and no handle.
  template <class F>
  std::vector<std::string> reported(F f) {
    std::vector<std::string> reports;
    std::mutex lock;
    auto note = [&](std::string_view fiber, const std::exception_ptr& failure) {
      std::lock_guard guard(lock);
      reports.push_back(std::string(fiber) + ": " + words_of(failure));
    };
    coir::run(std::move(f), {.workers = GetParam(), .on_unhandled = note});
    return reports;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, UnhandledTest, coir_test::one_and_four_workers());

using reports = std::vector<std::string>;

auto failing(const char* name) {
  return coir::spawn({.name = name}, []() -> int { throw std::runtime_error("expected"); });
}

TEST_P(UnhandledTest, OneThatNobodyLookedAtIsReportedWhenTheLastHandleGoes) {
  EXPECT_EQ(reported([&] {
              auto t = failing("ann");
              t.join();
              auto copy = t;
              t = {};
              EXPECT_TRUE(copy.done());
            }),
            reports{"ann: expected"});
}

TEST_P(UnhandledTest, OneWithoutAHandleIsReportedAtItsEnd) {
  EXPECT_EQ(reported([] {
              failing("ann");
              for (int i = 0; i < 1'000; ++i) coir::this_fiber::yield();
            }),
            reports{"ann: expected"});
}

TEST_P(UnhandledTest, JoiningAndAskingWhetherItIsDoneAreNoLooks) {
  EXPECT_EQ(reported([] {
              auto t = failing("ann");
              t.join();
              coir::shield(t).join();
              EXPECT_TRUE(t.done());
              EXPECT_FALSE(t.cancelled());
              EXPECT_FALSE(t.cancel());
              static_cast<void>(t.name());
              auto [done, pending] = coir::wait(std::vector{t});
              EXPECT_EQ(done.size(), 1U);
            }),
            reports{"ann: expected"});
}

TEST_P(UnhandledTest, AnyLookIsEnough) {
  auto looks = [&](auto look) {
    EXPECT_EQ(reported([&] {
                auto t = failing("ann");
                look(t);
              }),
              reports{});
  };
  looks([](auto& t) { EXPECT_THROW(t.get(), std::runtime_error); });
  looks([](auto& t) { EXPECT_THROW(t.take(), std::runtime_error); });
  looks([](auto& t) { EXPECT_THROW(coir::shield(t).get(), std::runtime_error); });
  looks([](auto& t) { EXPECT_NE(t.exception(), nullptr); });
  looks([](auto& t) { EXPECT_THROW(coir::gather(t), std::runtime_error); });
  looks([](auto& t) { static_cast<void>(coir::gather_settled(t)); });
}

TEST_P(UnhandledTest, ALookByOneHandleCountsForAll) {
  EXPECT_EQ(reported([] {
              auto t = failing("ann");
              {
                auto copy = t;
                EXPECT_NE(copy.exception(), nullptr);
              }
              t.join();
            }),
            reports{});
}

TEST_P(UnhandledTest, ThoseLeftAtTheEndAreReported) {
  coir::event never;
  EXPECT_EQ(reported([&] {
              coir::spawn({.name = "ann"}, [&] {
                try {
                  never.wait();
                } catch (const coir::cancelled&) {
                  throw std::logic_error("in the cleanup");
                }
              });
              for (int i = 0; i < 1'000; ++i) coir::this_fiber::yield();
            }),
            reports{"ann: in the cleanup"});
}

TEST_P(UnhandledTest, ACancellationIsNoFailure) {
  coir::event never;
  EXPECT_EQ(reported([&] {
              coir::spawn([&] { never.wait(); });
              auto t = coir::spawn([&] { never.wait(); });
              t.cancel();
              t.join();
              coir::spawn([] { throw coir::cancelled("by hand"); }).join();
            }),
            reports{});
}

TEST_P(UnhandledTest, ExceptionsOfAnyTypeAreReported) {
  EXPECT_EQ(reported([] {
              coir::spawn({.name = "ann"}, [] { throw 7; }).join();
              auto t = coir::spawn([] { throw 8; });
              EXPECT_THROW(t.get(), int);
            }),
            reports{"ann: the number 7"});
}

TEST_P(UnhandledTest, WhatRunThrowsIsNotReported) {
  EXPECT_THROW(reported([] { throw std::runtime_error("to the caller"); }), std::runtime_error);
}

TEST_P(UnhandledTest, AHandleThatOutlivesTheRuntimeReportsWhenItGoes) {
  reports seen;
  auto note = [&](std::string_view fiber, const std::exception_ptr& failure) {
    seen.push_back(std::string(fiber) + ": " + words_of(failure));
  };
  coir::task<int> kept;
  coir::task<int> looked_at;
  coir::run(
      [&] {
        kept = failing("ann");
        looked_at = failing("bob");
        kept.join();
      },
      {.workers = GetParam(), .on_unhandled = note});
  EXPECT_TRUE(seen.empty());
  EXPECT_NE(looked_at.exception(), nullptr);
  looked_at = {};
  kept = {};
  EXPECT_EQ(seen, reports{"ann: expected"});
}

TEST_P(UnhandledTest, TheFunctionLivesAsLongAsItMayBeCalled) {
  auto token = std::make_shared<int>(0);
  {
    coir::task<int> kept;
    coir::run(
        [&] {
          kept = failing("ann");
          kept.join();
        },
        {.workers = GetParam(), .on_unhandled = [token](auto, auto) { ++*token; }});
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(*token, 1);
}

TEST_P(UnhandledTest, WithoutAFunctionALineGoesToStderr) {
  testing::internal::CaptureStderr();
  coir::run(
      [] {
        failing("ann").join();
        coir::spawn({.name = "bob"}, [] { throw 7; }).join();
      },
      {.workers = GetParam()});
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "coir: nobody looked at the exception that ended fiber 'ann': expected\n"
            "coir: nobody looked at the exception that ended fiber 'bob': not a std::exception\n");
}

TEST_P(UnhandledTest, AFunctionThatThrowsIsSpokenOfOnStderr) {
  testing::internal::CaptureStderr();
  coir::run([] { failing("ann").join(); }, {.workers = GetParam(), .on_unhandled = [](auto, auto) {
                                              throw std::logic_error("in the report");
                                            }});
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "coir: on_unhandled itself threw, told of fiber 'ann': in the report\n");
}

TEST_P(UnhandledTest, TheExceptionMayBeKept) {
  std::exception_ptr kept;
  coir::run([] { failing("ann").join(); },
            {.workers = GetParam(),
             .on_unhandled = [&](auto, const std::exception_ptr& failure) { kept = failure; }});
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(words_of(kept), "expected");
}

TEST_P(UnhandledTest, AHandleThatGoesDuringUnwindingReports) {
  EXPECT_EQ(reported([] {
              try {
                auto t = failing("ann");
                t.join();
                throw std::logic_error("in flight");
              } catch (const std::logic_error&) {
              }
            }),
            reports{"ann: expected"});
}

TEST_P(UnhandledTest, ManyWithoutHandlesAreEachReportedOnce) {
  std::atomic<int> count{0};
  coir::run(
      [] {
        for (int i = 0; i < 1'000; ++i) failing("one of many");
        for (int i = 0; i < 1'000; ++i) coir::this_fiber::yield();
      },
      {.workers = GetParam(), .on_unhandled = [&](auto, auto) { ++count; }});
  // Those that the end found before they began were cancelled.
  EXPECT_LE(count, 1'000);
  EXPECT_GT(count, 0);
}

}  // namespace
