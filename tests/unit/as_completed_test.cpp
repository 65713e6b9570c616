// as_completed_test.cpp - several tasks in the order in which they end.
// SPDX-License-Identifier: BSL-1.0
#include <coir/as_completed.hpp>

#include <coir/cancel.hpp>
#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <list>
#include <ranges>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::thrown_by;

class AsCompletedTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, AsCompletedTest, coir_test::one_and_several_workers());

static_assert(std::input_iterator<coir::completion_range<coir::task<int>>::iterator>);
static_assert(std::ranges::input_range<coir::completion_range<coir::task<int>>>);

coir::task<int> returning_after(int seconds) {
  return coir::spawn([=] {
    sleep_for(1s * seconds);
    return seconds;
  });
}

std::vector<coir::task<int>> unordered() {
  return {returning_after(3), returning_after(1), returning_after(4), returning_after(2)};
}

TEST_P(AsCompletedTest, TheyComeInTheOrderOfTheirEndsAndAsSoonAsThat) {
  run([] {
    auto start = coir_test::now();
    std::vector<int> order;
    for (coir::task<int>& t : coir::as_completed(unordered())) {
      EXPECT_TRUE(t.done());
      order.push_back(t.get());
      EXPECT_EQ(coir_test::now() - start, 1s * t.get());
    }
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
  });
}

TEST_P(AsCompletedTest, ThoseThatHaveEndedComeFirst) {
  run([] {
    auto tasks = unordered();
    tasks[2].join();
    std::vector<int> order;
    tasks.push_back(returning_after(1));
    for (auto& t : coir::as_completed(tasks)) order.push_back(t.get());
    EXPECT_EQ(order, (std::vector{3, 1, 4, 2, 1})) << "in the order in which they were given";
  });
}

TEST_P(AsCompletedTest, ASecondLoopGoesOnWhereTheFirstOneStopped) {
  run([] {
    auto range = coir::as_completed(unordered());
    std::vector<int> order;
    for (auto& t : range) {
      order.push_back(t.get());
      if (t.get() == 2) break;
    }
    EXPECT_EQ(order, (std::vector{1, 2}));
    for (auto& t : range) order.push_back(t.get());
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
    for (auto& t : range) order.push_back(t.get());
    EXPECT_EQ(order.size(), 4U) << "there are no more";
  });
}

TEST_P(AsCompletedTest, ALoopMayBeLeftInTheMiddle) {
  run([] {
    auto tasks = unordered();
    for (auto& t : coir::as_completed(tasks))
      if (t.get() == 1) break;
    EXPECT_FALSE(tasks[2].done());
    EXPECT_EQ(tasks[2].get(), 4);
  });
}

TEST_P(AsCompletedTest, ATimeoutIsThrownByTheLoop) {
  run([] {
    auto tasks = unordered();
    auto range = coir::as_completed(tasks, 2500ms);
    std::vector<int> order;
    auto loop = [&] {
      for (auto& t : range) order.push_back(t.get());
    };
    EXPECT_EQ(thrown_by(loop), "timed out");
    EXPECT_EQ(order, (std::vector{1, 2}));
    EXPECT_FALSE(tasks[0].done()) << "nothing is cancelled";
    EXPECT_EQ(thrown_by(loop), "timed out") << "it has not got better";
    tasks[0].join();
    order.clear();
    EXPECT_EQ(thrown_by(loop), "timed out");
    EXPECT_EQ(order, std::vector{3}) << "what has ended meanwhile comes all the same";
    EXPECT_EQ(tasks[2].get(), 4);
  });
}

TEST_P(AsCompletedTest, ATimeoutOfZeroGivesThoseThatHaveEnded) {
  run([] {
    auto tasks = unordered();
    tasks[3].join();
    std::vector<int> order;
    auto loop = [&] {
      for (auto& t : coir::as_completed(tasks, -1s)) order.push_back(t.get());
    };
    EXPECT_EQ(thrown_by(loop), "timed out");
    EXPECT_EQ(order, (std::vector{1, 2}));
    for (auto& t : coir::as_completed(tasks, 1h)) order.push_back(t.get());
    EXPECT_EQ(order.size(), 6U);
  });
}

TEST_P(AsCompletedTest, AFailureComesOutOfGetOnly) {
  run([] {
    std::vector tasks{returning_after(2), coir::spawn([]() -> int {
                        sleep_for(1s);
                        throw std::runtime_error("failed");
                      }),
                      coir::spawn([] {
                        sleep_for(1h);
                        return 0;
                      })};
    tasks[2].cancel();
    std::vector<std::string> seen;
    for (auto& t : coir::as_completed(tasks))
      seen.push_back(thrown_by([&] { seen.push_back(std::to_string(t.get())); }));
    EXPECT_EQ(seen, (std::vector<std::string>{"cancelled", "failed", "2", "none"}));
  });
}

TEST_P(AsCompletedTest, NoTasksAreNoTurns) {
  auto none = [] {
    auto range = coir::as_completed(std::vector<coir::task<int>>());
    for (int i = 0; i < 2; ++i)
      for (auto& t : range) FAIL() << t.get();
  };
  none();
  run(none);
}

TEST_P(AsCompletedTest, AHandleWithoutATaskAndOnesOwnAreRefused) {
  run([] {
    auto fine = returning_after(1);
    EXPECT_THROW(coir::as_completed(std::vector{fine, {}}), std::logic_error);
    coir::task<int> self;
    coir::event known;
    self = coir::spawn([&] {
      known.wait();
      EXPECT_THROW(coir::as_completed(std::vector{fine, self}), std::system_error);
      return 1;
    });
    known.set();
    EXPECT_EQ(self.get() + fine.get(), 2);
  });
}

TEST_P(AsCompletedTest, CancellingTheLoopLeavesTheTasksAlone) {
  run([] {
    auto tasks = unordered();
    int turns = 0;
    auto looping = coir::spawn([&] {
      for (auto& t : coir::as_completed(tasks)) turns += t.done();
    });
    sleep_for(1500ms);
    looping.cancel();
    EXPECT_EQ(thrown_by([&] { looping.get(); }), "cancelled");
    EXPECT_EQ(turns, 1);
    EXPECT_EQ(tasks[0].get() + tasks[2].get(), 7);
    EXPECT_THROW(coir::with_timeout(1s,
                                    [&] {
                                      auto slow = std::vector{returning_after(10)};
                                      for (auto& t : coir::as_completed(slow)) turns += t.get();
                                    }),
                 coir::timed_out);
    EXPECT_EQ(turns, 1);
  });
}

TEST_P(AsCompletedTest, AnyRangeWillDo) {
  run([] {
    auto tasks = unordered();
    const std::list<coir::task<int>> list(tasks.begin(), tasks.end());
    auto count = [](auto&& range) {
      int turns = 0;
      for (auto& t : coir::as_completed(range)) turns += t.done();
      return turns;
    };
    EXPECT_EQ(count(list), 4);
    EXPECT_EQ(count(tasks | std::views::take_while([](auto&) { return true; })), 4);
    EXPECT_EQ(count(std::vector{tasks[0], tasks[0]}), 2) << "the same twice comes twice";
    int made = 0;
    EXPECT_EQ(count(std::views::iota(0, 3) | std::views::transform([&](int i) {
                      ++made;
                      return returning_after(i);
                    })),
              3);
    EXPECT_EQ(made, 3);
  });
}

TEST_P(AsCompletedTest, ItIsARangeForAlgorithms) {
  run([] {
    auto range = coir::as_completed(unordered());
    auto found = std::ranges::find_if(range, [](auto& t) { return t.get() == 3; });
    ASSERT_FALSE(found == range.end());
    EXPECT_EQ(found->get(), 3);
  });
}

TEST_P(AsCompletedTest, ItIsCalledFromFibersAndThreadsOnTasksOfAnyRuntime) {
  from_everywhere([](coir::runtime& rt) {
    std::vector<coir::task<int>> tasks;
    for (int i = 0; i < 1'000; ++i)
      tasks.push_back(rt.spawn([i] {
        if (i % 100 == 0) sleep_for(1us * (i % 7));
        return i;
      }));
    std::vector<int> seen;
    for (auto& t : coir::as_completed(tasks)) seen.push_back(t.get());
    std::ranges::sort(seen);
    EXPECT_EQ(seen.size(), 1'000U);
    EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
  });
}

}  // namespace
