// race_test.cpp - the first of several tasks; the others are cancelled.
// SPDX-License-Identifier: BSL-1.0
#include <coir/race.hpp>

#include <coir/cancel.hpp>
#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <variant>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::sleep_and_clean_up;
using coir_test::thrown_by;

class RaceTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, RaceTest, coir_test::one_and_several_workers());

coir::task<int> returning_after(std::chrono::nanoseconds delay, int result) {
  return coir::spawn([=] {
    sleep_for(delay);
    return result;
  });
}

TEST_P(RaceTest, TheFirstOneWinsAndTheOthersAreCancelled) {
  run([] {
    auto start = coir_test::now();
    auto slow = returning_after(1h, 1);
    auto fast = returning_after(1s, 2);
    auto other = returning_after(1h, 3);
    EXPECT_EQ(coir::race(slow, fast, other), 2);
    EXPECT_EQ(coir_test::now() - start, 1s);
    EXPECT_TRUE(slow.cancelled());
    EXPECT_TRUE(other.cancelled());
    EXPECT_EQ(fast.get(), 2) << "and can be asked again";
  });
}

TEST_P(RaceTest, TheEndOfTheLosersIsWaitedFor) {
  run([] {
    auto start = coir_test::now();
    std::vector<coir::task<void>> tasks;
    for (int i = 1; i <= 3; ++i) tasks.push_back(coir::spawn([=] { sleep_and_clean_up(1s * i); }));
    tasks.push_back(coir::spawn([] { sleep_for(1s); }));
    coir::race(tasks);
    EXPECT_EQ(coir_test::now() - start, 4s);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(tasks[static_cast<std::size_t>(i)].cancelled());
  });
}

TEST_P(RaceTest, AWinnerThatFailsIsAFailureAndEndsTheOthersToo) {
  run([] {
    auto slow = returning_after(1h, 1);
    auto failing = coir::spawn([]() -> int {
      sleep_for(1s);
      throw std::runtime_error("failed");
    });
    EXPECT_EQ(thrown_by([&] { coir::race(slow, failing); }), "failed");
    EXPECT_TRUE(slow.cancelled());
  });
}

TEST_P(RaceTest, AWinnerThatWasCancelledIsThrownAsThat) {
  run([] {
    auto slow = returning_after(1h, 1);
    auto gone = returning_after(1h, 2);
    gone.cancel();
    EXPECT_EQ(thrown_by([&] { coir::race(std::vector{slow, gone}); }), "cancelled");
    EXPECT_TRUE(slow.cancelled());
    coir::this_fiber::cancellation_point();
  });
}

// The fixture sees to it that nothing is reported.
TEST_P(RaceTest, WhatTheLosersEndWithIsNobodysConcern) {
  run([] {
    auto loses_badly = coir::spawn([]() -> int {
      try {
        sleep_for(1h);
      } catch (const coir::cancelled&) {
      }
      throw std::runtime_error("bad loser");
    });
    EXPECT_EQ(coir::race(std::move(loses_badly), returning_after(1s, 2)), 2);
  });
}

TEST_P(RaceTest, TasksOfOneTypeGiveThatTypeAndOthersAVariant) {
  static int place = 3;
  run([] {
    auto number = returning_after(1h, 1);
    auto words = coir::spawn([] {
      sleep_for(1s);
      return std::string("words");
    });
    auto nothing = coir::spawn([] { sleep_for(1h); });
    auto either = coir::race(number, words, nothing);
    static_assert(std::is_same_v<decltype(either), std::variant<int, std::string, std::monostate>>);
    EXPECT_EQ(std::get<1>(either), "words");
    EXPECT_THROW(coir::race(nothing, number), coir::cancelled) << "they lost that one";

    static_assert(std::is_void_v<decltype(coir::race(nothing, nothing))>);
    auto reference = coir::spawn([]() -> int& { return place; });
    static_assert(std::is_same_v<decltype(coir::race(reference, reference)), int&>);
    EXPECT_EQ(&coir::race(reference, reference), &place);
    auto other = coir::race(reference, coir::spawn([] { sleep_for(1h); }));
    EXPECT_EQ(&std::get<std::reference_wrapper<int>>(other).get(), &place);

    auto owned = coir::spawn([] { return std::make_unique<int>(4); });
    EXPECT_EQ(*coir::race(owned, coir::spawn([] {
                            sleep_for(1h);
                            return std::make_unique<int>(5);
                          })),
              4);
    auto same = coir::race(returning_after(1h, 1), coir::spawn([] { return 2; }));
    static_assert(std::is_same_v<decltype(same), int>);
    auto twice = coir::race(returning_after(1h, 1), returning_after(1s, 2), words);
    EXPECT_EQ(twice.index(), 2U);
  });
}

TEST_P(RaceTest, OfThoseThatHaveEndedTheFirstOneGivenWins) {
  run([] {
    auto a = coir::spawn([] { return 1; });
    auto b = coir::spawn([] { return 2; });
    b.join();
    a.join();
    EXPECT_EQ(coir::race(a, b), 1);
    EXPECT_EQ(coir::race(std::vector{b, a}), 2);
    EXPECT_EQ(coir::race(a, a), 1);
    auto c = returning_after(1s, 3);
    EXPECT_EQ(coir::race(c, c), 3);
  });
}

TEST_P(RaceTest, NoTaskAtAllIsAnInvalidArgument) {
  auto refused = [] {
    EXPECT_THROW(coir::race(std::vector<coir::task<int>>()), std::invalid_argument);
    EXPECT_THROW(coir::race(std::vector<coir::task<void>>()), std::invalid_argument);
  };
  refused();
  run(refused);
}

TEST_P(RaceTest, AHandleWithoutATaskAndOnesOwnAreRefused) {
  run([] {
    auto fine = returning_after(1s, 1);
    coir::task<int> none;
    EXPECT_THROW(coir::race(fine, none), std::logic_error);
    EXPECT_THROW(coir::race(std::vector{none, fine}), std::logic_error);
    coir::task<int> self;
    coir::event known;
    self = coir::spawn([&] {
      known.wait();
      EXPECT_THROW(coir::race(fine, self), std::system_error);
      return 1;
    });
    known.set();
    EXPECT_EQ(self.get() + fine.get(), 2) << "nobody was cancelled";
  });
}

TEST_P(RaceTest, WhoIsCancelledCancelsAllAndWaitsForTheirEnd) {
  run([] {
    auto start = coir_test::now();
    auto a = coir::spawn([] { sleep_and_clean_up(3s); });
    auto b = coir::spawn([] { sleep_and_clean_up(5s); });
    auto racing = coir::spawn([=] { coir::race(a, b); });
    sleep_for(1s);
    racing.cancel();
    EXPECT_EQ(thrown_by([&] { racing.get(); }), "cancelled");
    EXPECT_EQ(coir_test::now() - start, 6s);
    EXPECT_TRUE(a.cancelled());
    EXPECT_TRUE(b.cancelled());
  });
}

TEST_P(RaceTest, ATimeoutEndsThemAll) {
  run([] {
    auto slow = returning_after(1h, 1);
    EXPECT_THROW(coir::with_timeout(1s, [&] { coir::race(slow, returning_after(2h, 2)); }),
                 coir::timed_out);
    EXPECT_TRUE(slow.cancelled());
  });
}

TEST_P(RaceTest, AShieldedLoserRunsOnAndIsNotWaitedFor) {
  run([] {
    auto start = coir_test::now();
    auto kept = returning_after(1min, 7);
    EXPECT_EQ(coir::race(coir::shield(kept), returning_after(1s, 2)), 2);
    EXPECT_EQ(coir_test::now() - start, 1s);
    EXPECT_FALSE(kept.done());
    EXPECT_EQ(coir::race(std::vector{coir::shield(kept)}), 7);
  });
}

TEST_P(RaceTest, WhoIsCancelledInARaceOfShieldedTasksLeavesThemAlone) {
  run([] {
    auto kept = returning_after(1min, 7);
    auto racing = coir::spawn([=] { coir::race(coir::shield(kept), coir::shield(kept)); });
    sleep_for(1s);
    auto start = coir_test::now();
    racing.cancel();
    EXPECT_EQ(thrown_by([&] { racing.get(); }), "cancelled");
    EXPECT_EQ(coir_test::now(), start);
    EXPECT_EQ(kept.get(), 7);
  });
}

TEST_P(RaceTest, AWinnerThatGoesOnAfterACancellationStillWins) {
  run([] {
    auto racing = coir::spawn([] {
      auto stubborn = coir::spawn([] {
        try {
          sleep_for(1h);
        } catch (const coir::cancelled&) {
        }
        return 3;
      });
      EXPECT_EQ(coir::race(std::vector{stubborn}), 3);
      EXPECT_EQ(thrown_by([] { coir::this_fiber::yield(); }), "cancelled");
    });
    sleep_for(1s);
    racing.cancel();
    racing.get();
  });
}

TEST_P(RaceTest, AnyRangeWillDo) {
  run([] {
    std::vector tasks{returning_after(1h, 1), returning_after(1s, 2)};
    const std::list<coir::task<int>> list(tasks.begin(), tasks.end());
    EXPECT_EQ(coir::race(list), 2);
    EXPECT_EQ(coir::race(std::span(tasks).last(1)), 2);
    int made = 0;
    auto spawning = std::views::iota(1, 4) | std::views::transform([&](int i) {
                      ++made;
                      return returning_after(1s * i, i);
                    });
    EXPECT_EQ(coir::race(spawning), 1);
    EXPECT_EQ(made, 3);
  });
}

TEST_P(RaceTest, ItIsCalledFromFibersAndThreadsOnTasksOfAnyRuntime) {
  from_everywhere([](coir::runtime& rt) {
    for (int round = 0; round < 50; ++round) {
      std::vector<coir::task<int>> tasks;
      for (int i = 0; i < 10; ++i)
        tasks.push_back(rt.spawn([i] {
          if (i != 3) coir_test::wait_for_cancellation();
          return i;
        }));
      EXPECT_EQ(coir::race(tasks), 3);
      for (auto& t : tasks) EXPECT_TRUE(t.done());
    }
  });
}

TEST_P(RaceTest, OfTenThousandOneWins) {
  run([] {
    std::vector<coir::task<int>> tasks;
    for (int i = 0; i < 10'000; ++i) tasks.push_back(returning_after(i == 77 ? 1s : 1h, i));
    EXPECT_EQ(coir::race(std::move(tasks)), 77);
  });
}

}  // namespace
