// gather_failure_test.cpp - what gather() does when tasks fail, or when it is asked to end.
// SPDX-License-Identifier: BSL-1.0
#include <coir/gather.hpp>

#include <coir/cancel.hpp>
#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::sleep_and_clean_up;
using coir_test::text_of;
using coir_test::thrown_by;

class GatherFailureTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, GatherFailureTest, coir_test::one_and_several_workers());

coir::task<int> failing_after(std::chrono::seconds delay, const char* text) {
  return coir::spawn([=]() -> int {
    sleep_for(delay);
    throw std::runtime_error(text);
  });
}

// A task that is told of a cancellation, and returns this nevertheless.
coir::task<std::string> stubborn(std::string answer) {
  return coir::spawn([answer = std::move(answer)] {
    try {
      sleep_for(1h);
    } catch (const coir::cancelled&) {
    }
    return answer;
  });
}

TEST_P(GatherFailureTest, TheFirstExceptionIsThrownAtOnceAndTheOthersRunOn) {
  run([] {
    auto start = coir_test::now();
    auto slow = coir::spawn([] {
      sleep_for(1min);
      return 5;
    });
    auto late = failing_after(10s, "late");
    auto early = failing_after(1s, "early");
    EXPECT_EQ(thrown_by([&] { coir::gather(slow, late, early); }), "early");
    EXPECT_EQ(coir_test::now() - start, 1s);
    EXPECT_FALSE(slow.done());
    EXPECT_FALSE(late.done());
    EXPECT_EQ(slow.get(), 5);
    EXPECT_EQ(coir_test::now() - start, 1min);
  });
}

// The fixture sees to it that nothing is reported.
TEST_P(GatherFailureTest, NobodyHearsOfWhatTheOthersEndWith) {
  run([] {
    std::vector tasks{failing_after(2s, "later"), failing_after(1s, "first"),
                      failing_after(3s, "latest")};
    EXPECT_EQ(thrown_by([&] { coir::gather(tasks); }), "first");
    tasks.clear();
    sleep_for(1min);
  });
}

TEST_P(GatherFailureTest, WhatOnlyJoinedIsReported) {
  run([] {
    auto t = failing_after(1s, "unseen");
    t.join();
  });
  EXPECT_EQ(take_unhandled(), std::vector<std::string>{"unseen"});
}

// Control blocks are used again.
TEST_P(GatherFailureTest, ATaskInThePlaceOfOneThatWasLookedAtIsReportedAllTheSame) {
  constexpr std::size_t as_many = 16;
  run([] {
    std::vector<coir::task<int>> tasks{failing_after(1s, "first")};
    for (std::size_t i = 0; i < as_many; ++i)
      tasks.push_back(coir::spawn([] { return sleep_for(2s), 1; }));
    EXPECT_EQ(thrown_by([&] { coir::gather(tasks); }), "first");
    sleep_for(1min);
    tasks.clear();
    for (std::size_t i = 0; i < as_many; ++i) failing_after(1s, "unseen").join();
  });
  EXPECT_EQ(take_unhandled(), std::vector<std::string>(as_many, "unseen"));
}

TEST_P(GatherFailureTest, ATaskThatWasCancelledIsAFailureOfTheOthersWaiter) {
  run([] {
    auto slow = coir::spawn([] { sleep_for(1min); });
    auto gone = coir::spawn([] { sleep_for(1min); });
    gone.cancel();
    EXPECT_EQ(thrown_by([&] { coir::gather(slow, gone); }), "cancelled");
    EXPECT_FALSE(slow.done());
  });
}

TEST_P(GatherFailureTest, WhoIsCancelledCancelsAllAndWaitsForTheirEnd) {
  run([] {
    auto start = coir_test::now();
    std::atomic<int> cleaned{0};
    auto waiting = coir::spawn([&] {
      std::vector<coir::task<void>> tasks;
      for (int i = 1; i <= 5; ++i)
        tasks.push_back(coir::spawn([&, i] {
          try {
            sleep_and_clean_up(1s * i);
          } catch (...) {
            ++cleaned;
            throw;
          }
        }));
      EXPECT_EQ(thrown_by([&] { coir::gather(tasks); }), "cancelled");
      for (auto& t : tasks) EXPECT_TRUE(t.cancelled());
    });
    sleep_for(1s);
    waiting.cancel();
    waiting.get();
    EXPECT_EQ(cleaned, 5);
    EXPECT_EQ(coir_test::now() - start, 6s);
  });
}

TEST_P(GatherFailureTest, WhatIsShieldedRunsOnAndIsNotWaitedFor) {
  run([] {
    auto kept = coir::spawn([] {
      sleep_for(1min);
      return 7;
    });
    auto gone = coir::spawn([] { sleep_for(1min); });
    auto both = coir::spawn([=] { coir::gather(coir::shield(kept), gone); });
    auto only = coir::spawn([=] { coir::gather(coir::shield(kept)); });
    auto settled = coir::spawn([=] { coir::gather_settled(coir::shield(kept), gone); });
    auto range = coir::spawn([=] { coir::gather(std::vector{coir::shield(kept)}); });
    sleep_for(1s);
    auto start = coir_test::now();
    for (const auto& waiting : {both, only, settled, range}) {
      waiting.cancel();
      EXPECT_EQ(thrown_by([&] { waiting.get(); }), "cancelled");
    }
    EXPECT_EQ(coir_test::now(), start);
    EXPECT_TRUE(gone.cancelled());
    EXPECT_FALSE(kept.done());
    EXPECT_EQ(kept.get(), 7);
  });
}

TEST_P(GatherFailureTest, ATimeoutCancelsTheTasksAndIsThrownWhenTheyHaveEnded) {
  run([] {
    auto start = coir_test::now();
    auto slow = coir::spawn([] { sleep_and_clean_up(5s); });
    auto slower = coir::spawn([] { sleep_and_clean_up(6s); });
    EXPECT_THROW(coir::with_timeout(1s, [&] { coir::gather(slow, slower); }), coir::timed_out);
    EXPECT_EQ(coir_test::now() - start, 7s);
    EXPECT_TRUE(slow.cancelled());
    EXPECT_TRUE(slower.cancelled());
    coir::this_fiber::cancellation_point();
  });
}

TEST_P(GatherFailureTest, ACancellationReachesTheInnermost) {
  run([] {
    std::atomic<int> told{0};
    auto leaf = [&] {
      try {
        sleep_for(1h);
      } catch (const coir::cancelled&) {
        ++told;
        throw;
      }
    };
    auto middle = [&] { coir::gather(coir::spawn(leaf), coir::spawn(leaf)); };
    auto outer = coir::spawn([&] { coir::gather(coir::spawn(middle), coir::spawn(middle)); });
    sleep_for(1s);
    outer.cancel();
    EXPECT_EQ(thrown_by([&] { outer.get(); }), "cancelled");
    EXPECT_EQ(told, 4);
  });
}

TEST_P(GatherFailureTest, IfAllGoOnNeverthelessSoDoesTheirWaiter) {
  run([] {
    auto check = [](auto gather) {
      auto waiting = coir::spawn([=] {
        gather();
        EXPECT_EQ(thrown_by([] { coir::this_fiber::cancellation_point(); }), "cancelled");
      });
      sleep_for(1s);
      waiting.cancel();
      waiting.get();
    };
    check([] {
      auto [a, b] = coir::gather(stubborn("a"), stubborn("b"));
      EXPECT_EQ(a + b, "ab");
    });
    check([] {
      std::vector tasks{stubborn("a"), stubborn("b")};
      EXPECT_EQ(coir::gather(std::move(tasks)), (std::vector<std::string>{"a", "b"}));
    });
    check([] {
      auto [a, b] = coir::gather_settled(stubborn("a"), stubborn("b"));
      EXPECT_EQ(*a + *b, "ab");
    });
    check([] {
      std::vector tasks{stubborn("a"), stubborn("b")};
      auto settled = coir::gather_settled(tasks);
      EXPECT_EQ(*settled[0] + *settled[1], "ab");
    });
  });
}

TEST_P(GatherFailureTest, ASecondRequestReachesThoseThatWentOnAfterTheFirst) {
  run([] {
    auto waiting = coir::spawn([] {
      auto twice = [] {
        try {
          sleep_for(1h);
        } catch (const coir::cancelled&) {
          sleep_for(1h);
        }
      };
      coir::gather(coir::spawn(twice), coir::spawn(twice));
    });
    auto start = coir_test::now();
    for (int i = 0; i < 2; ++i) {
      sleep_for(1s);
      waiting.cancel();
    }
    EXPECT_EQ(thrown_by([&] { waiting.get(); }), "cancelled");
    EXPECT_EQ(coir_test::now() - start, 2s);
  });
}

TEST_P(GatherFailureTest, AFailureInTheCourseOfACancellationIsThrownAndTheRequestStays) {
  run([] {
    auto waiting = coir::spawn([] {
      auto gathering = [] {
        coir::gather(coir::spawn([] {
          try {
            sleep_for(1h);
          } catch (const coir::cancelled&) {
            throw std::runtime_error("cleanup");
          }
        }));
      };
      EXPECT_EQ(thrown_by(gathering), "cleanup");
      EXPECT_EQ(thrown_by([] { coir::this_fiber::yield(); }), "cancelled");
    });
    sleep_for(1s);
    waiting.cancel();
    waiting.get();
  });
}

TEST_P(GatherFailureTest, ARequestThatCameBeforeIsToldOnEntryAndTouchesNoTask) {
  run([] {
    auto other = coir::spawn([] {
      sleep_for(1s);
      return 1;
    });
    coir::event started;
    coir::event go;
    auto waiting = coir::spawn([&] {
      {
        coir::uncancellable for_now;
        started.set();
        go.wait();
      }
      EXPECT_EQ(thrown_by([&] { coir::gather(other); }), "cancelled");
      EXPECT_EQ(coir::gather(other), std::tuple(1));
    });
    started.wait();
    waiting.cancel();
    go.set();
    waiting.get();
  });
}

TEST_P(GatherFailureTest, SettledResultsAreValuesExceptionsAndCancellations) {
  run([] {
    auto start = coir_test::now();
    auto gone = coir::spawn([] { sleep_for(1h); });
    gone.cancel();
    auto [value, failed, cancelled] = coir::gather_settled(coir::spawn([] {
                                                             sleep_for(2s);
                                                             return std::make_unique<int>(3);
                                                           }),
                                                           failing_after(1s, "failed"), gone);
    EXPECT_EQ(coir_test::now() - start, 2s) << "all are waited for";
    EXPECT_EQ(**value, 3);
    EXPECT_EQ(text_of(failed.exception()), "failed");
    EXPECT_FALSE(failed.cancelled());
    EXPECT_TRUE(cancelled.cancelled());

    std::vector tasks{failing_after(2s, "a"), failing_after(1s, "b")};
    auto outcomes = coir::gather_settled(tasks);
    EXPECT_EQ(text_of(outcomes[0].exception()), "a");
    EXPECT_EQ(text_of(outcomes[1].exception()), "b");
  });
}

TEST_P(GatherFailureTest, SettlingIsCancelledWithTheTasks) {
  run([] {
    auto start = coir_test::now();
    auto fails = failing_after(1s, "before");
    auto slow = coir::spawn([] { sleep_and_clean_up(5s); });
    auto waiting = coir::spawn([=] { coir::gather_settled(fails, slow); });
    sleep_for(2s);
    waiting.cancel();
    EXPECT_EQ(thrown_by([&] { waiting.get(); }), "cancelled");
    EXPECT_EQ(coir_test::now() - start, 7s);
    EXPECT_TRUE(slow.cancelled());
    EXPECT_EQ(thrown_by([&] { fails.get(); }), "before");
  });
}

}  // namespace
