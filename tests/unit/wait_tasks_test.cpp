// wait_tasks_test.cpp - waiting for several tasks without taking their results.
// SPDX-License-Identifier: BSL-1.0
#include <coir/wait_tasks.hpp>

#include <coir/cancel.hpp>
#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <list>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::thrown_by;

class WaitTasksTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, WaitTasksTest, coir_test::one_and_several_workers());

using tasks = std::vector<coir::task<int>>;

coir::task<int> returning_after(std::chrono::nanoseconds delay, int result = 0) {
  return coir::spawn([=] {
    sleep_for(delay);
    return result;
  });
}

coir::task<int> failing_after(std::chrono::nanoseconds delay) {
  return coir::spawn([=]() -> int {
    sleep_for(delay);
    throw std::runtime_error("failed");
  });
}

// Looks at what its tasks end with, so that it is not reported.
void look_at(const tasks& all) {
  for (auto& t : all) static_cast<void>(t.exception());
}

TEST_P(WaitTasksTest, WithoutAModeItWaitsForAll) {
  run([] {
    auto start = coir_test::now();
    tasks all{returning_after(3s), failing_after(1s), returning_after(2s)};
    auto [done, pending] = coir::wait(all);
    EXPECT_EQ(coir_test::now() - start, 3s);
    EXPECT_EQ(done, all) << "in the order in which they were given";
    EXPECT_TRUE(pending.empty());
    look_at(all);
  });
}

TEST_P(WaitTasksTest, FirstCompletedIsTheFirstEndOfAnyKind) {
  run([] {
    for (int kind = 0; kind < 3; ++kind) {
      auto start = coir_test::now();
      tasks all{returning_after(1h, 1), kind == 0 ? returning_after(2s, 2) : failing_after(2s),
                returning_after(1h, 3)};
      if (kind == 2) all[1].cancel();
      auto [done, pending] = coir::wait(all, coir::first_completed);
      EXPECT_EQ(coir_test::now() - start, kind == 2 ? 0s : 2s);
      EXPECT_EQ(done, tasks{all[1]});
      EXPECT_EQ(pending, (tasks{all[0], all[2]}));
      look_at(all);
    }
  });
}

TEST_P(WaitTasksTest, FirstExceptionIsAFailureButNoCancellation) {
  run([] {
    auto start = coir_test::now();
    tasks all{returning_after(1s), returning_after(1h), failing_after(3s), returning_after(1h)};
    all[3].cancel();
    auto [done, pending] = coir::wait(all, coir::first_exception);
    EXPECT_EQ(coir_test::now() - start, 3s);
    EXPECT_EQ(done, (tasks{all[0], all[2], all[3]}));
    EXPECT_EQ(pending, tasks{all[1]});
    look_at(all);
  });
}

TEST_P(WaitTasksTest, FirstExceptionWithoutAnyIsTheEndOfAll) {
  run([] {
    auto start = coir_test::now();
    tasks all{returning_after(1s), returning_after(5s), returning_after(1h)};
    all[2].cancel();
    auto [done, pending] = coir::wait(all, coir::first_exception);
    EXPECT_EQ(coir_test::now() - start, 5s);
    EXPECT_EQ(done, all);
  });
}

TEST_P(WaitTasksTest, ATimeoutEndsTheWaitAndCancelsNothing) {
  run([] {
    for (auto mode : {coir::first_completed, coir::first_exception, coir::all_completed}) {
      auto start = coir_test::now();
      tasks all{returning_after(10s, 1), returning_after(20s, 2)};
      auto none = coir::wait(all, mode, 1s);
      EXPECT_EQ(coir_test::now() - start, 1s);
      EXPECT_TRUE(none.done.empty());
      EXPECT_EQ(none.pending, all);
      auto some = coir::wait(all, mode, std::chrono::steady_clock::now() + 1h);
      EXPECT_EQ(some.done.size(), mode == coir::first_completed ? 1U : 2U);
      EXPECT_EQ(all[1].get(), 2);
    }
    tasks all{returning_after(1s), returning_after(1h)};
    EXPECT_EQ(coir::wait(all, 2s).done, tasks{all[0]});
  });
}

TEST_P(WaitTasksTest, ATimeoutOfZeroOrLessDoesNotWait) {
  run([] {
    auto start = coir_test::now();
    tasks all{returning_after(1s)};
    for (auto timeout : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
      auto [done, pending] = coir::wait(all, coir::all_completed, timeout);
      EXPECT_TRUE(done.empty());
      EXPECT_EQ(pending, all);
    }
    EXPECT_EQ(coir::wait(all, -1h).pending, all);
    auto past = std::chrono::system_clock::now() - 1h;
    EXPECT_EQ(coir::wait(all, coir::first_completed, past).pending, all);
    EXPECT_EQ(coir_test::now(), start);
    all[0].join();
    EXPECT_EQ(coir::wait(all, 0s).done, all) << "it has ended";
  });
}

// As with asyncio: so a loop that polls does not keep the tasks from ending.
TEST_P(WaitTasksTest, WhoPollsLetsTheTasksRun) {
  run([alone = one_worker()] {
    tasks all{coir::spawn([] { return 1; })};
    int polls = 0;
    while (coir::wait(all, 0s).done.empty()) ++polls;
    EXPECT_TRUE(!alone || polls <= 1) << polls;
  });
}

TEST_P(WaitTasksTest, AHugeTimeoutIsNone) {
  run([] {
    tasks all{returning_after(24h * 365)};
    EXPECT_EQ(coir::wait(all, coir::first_completed, std::chrono::hours::max()).done, all);
    tasks more{returning_after(24h * 365)};
    EXPECT_EQ(coir::wait(more, std::chrono::nanoseconds::max()).done, more);
    tasks most{returning_after(24h)};
    EXPECT_EQ(coir::wait(most, std::chrono::duration<double>(1e300)).done, most);
  });
}

TEST_P(WaitTasksTest, CancellingTheWaiterLeavesTheTasksAlone) {
  run([] {
    auto t = returning_after(1min, 4);
    auto waiting = coir::spawn([&] { coir::wait(std::vector{t}); });
    auto limited = coir::spawn([&] { coir::wait(std::vector{t}, coir::first_completed, 1h); });
    sleep_for(1s);
    waiting.cancel();
    limited.cancel();
    EXPECT_EQ(thrown_by([&] { waiting.get(); }), "cancelled");
    EXPECT_EQ(thrown_by([&] { limited.get(); }), "cancelled");
    EXPECT_THROW(coir::with_timeout(1s, [&] { coir::wait(std::vector{t}); }), coir::timed_out);
    EXPECT_FALSE(t.done());
    EXPECT_EQ(t.get(), 4);
  });
}

TEST_P(WaitTasksTest, NoTaskAtAllIsAnInvalidArgument) {
  auto refused = [] {
    EXPECT_THROW(coir::wait(tasks()), std::invalid_argument);
    EXPECT_THROW(coir::wait(tasks(), coir::first_completed, 0s), std::invalid_argument);
  };
  refused();
  run(refused);
}

TEST_P(WaitTasksTest, AHandleWithoutATaskAndOnesOwnAreRefused) {
  run([] {
    auto fine = returning_after(1s, 2);
    EXPECT_THROW(coir::wait(tasks{fine, {}}), std::logic_error);
    coir::task<int> self;
    coir::event known;
    self = coir::spawn([&] {
      known.wait();
      EXPECT_THROW(coir::wait(tasks{fine, self}), std::system_error);
      return 1;
    });
    known.set();
    EXPECT_EQ(self.get() + fine.get(), 3);
  });
}

TEST_P(WaitTasksTest, AnyRangeWillDoAndEachElementIsThereOnce) {
  run([] {
    tasks all{returning_after(1s, 0), returning_after(2s, 1), returning_after(3s, 2)};
    const std::list<coir::task<int>> list(all.begin(), all.end());
    EXPECT_EQ(coir::wait(list).done, all);
    EXPECT_EQ(coir::wait(std::span(all)).done, all);
    auto [done, pending] = coir::wait(std::vector{all[0], all[1], all[0]});
    EXPECT_EQ(done, (tasks{all[0], all[1], all[0]})) << "the same twice is there twice";

    int made = 0;
    auto spawning = std::views::iota(0, 3) | std::views::transform([&](int i) {
                      ++made;
                      return returning_after(1s * (i + 1), i);
                    });
    auto result = coir::wait(spawning, coir::first_completed);
    EXPECT_EQ(made, 3);
    ASSERT_EQ(result.done.size(), 1U);
    EXPECT_EQ(result.pending.size(), 2U);
    EXPECT_EQ(result.done[0].get() + result.pending[1].get(), 2);

    std::vector shielded{coir::shield(all[0])};
    EXPECT_EQ(coir::wait(shielded).done[0].get(), 0);
  });
}

TEST_P(WaitTasksTest, ItIsCalledFromFibersAndThreadsOnTasksOfAnyRuntime) {
  from_everywhere([](coir::runtime& rt) {
    coir::event go;
    tasks all;
    for (int i = 0; i < 10; ++i)
      all.push_back(rt.spawn([&go, i] {
        if (i % 2 != 0) go.wait();
        return i;
      }));
    auto some = coir::wait(all, coir::first_completed);
    EXPECT_EQ(some.done.size() + some.pending.size(), 10U);
    EXPECT_GE(some.done.size(), 1U);
    EXPECT_GE(some.pending.size(), 5U);
    EXPECT_GE(coir::wait(all, 1us).pending.size(), 5U);
    go.set();
    EXPECT_EQ(coir::wait(all).done, all);
  });
}

TEST_P(WaitTasksTest, TenThousandTasksOneAfterTheOther) {
  run([] {
    tasks all;
    for (int i = 0; i < 10'000; ++i) all.push_back(returning_after(1ms * (i % 10), i));
    tasks left = all;
    std::size_t ended = 0;
    while (!left.empty()) {
      auto [done, pending] = coir::wait(left, coir::first_completed);
      EXPECT_GE(done.size(), 1U);
      ended += done.size();
      left = std::move(pending);
      if (left.size() < 9'000) {
        ended += coir::wait(left).done.size();
        break;
      }
    }
    EXPECT_EQ(ended, 10'000U);
  });
}

}  // namespace
