// gather_test.cpp - the results of several tasks at once.
// SPDX-License-Identifier: BSL-1.0
#include <coir/gather.hpp>

#include <coir/event.hpp>
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <numeric>
#include <ranges>
#include <span>
#include <string>
#include <system_error>
#include <tuple>
#include <variant>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;

class GatherTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, GatherTest, coir_test::one_and_several_workers());

// Tasks that return 0, 1, 2, ...; the last ones end first.
std::vector<coir::task<int>> numbers(int count) {
  std::vector<coir::task<int>> tasks;
  for (int i = 0; i < count; ++i)
    tasks.push_back(coir::spawn([=] {
      sleep_for(1ms * (count - i));
      return i;
    }));
  return tasks;
}

std::vector<int> first_numbers(int count) {
  std::vector<int> expected(static_cast<std::size_t>(count));
  std::iota(expected.begin(), expected.end(), 0);
  return expected;
}

TEST_P(GatherTest, ResultsOfEveryKindComeInTheOrderOfTheArguments) {
  static int place = 3;
  run([] {
    auto results = coir::gather(coir::spawn([] {
                                  sleep_for(3s);
                                  return 1;
                                }),
                                coir::spawn([] {
                                  sleep_for(2s);
                                  return std::string("two");
                                }),
                                coir::spawn([] { sleep_for(1s); }),
                                coir::spawn([]() -> int& { return place; }),
                                coir::spawn([] { return std::make_unique<int>(4); }));
    using expected = std::tuple<int, std::string, std::monostate, int&, std::unique_ptr<int>>;
    static_assert(std::is_same_v<decltype(results), expected>);
    auto& [one, two, nothing, reference, four] = results;
    EXPECT_EQ(one, 1);
    EXPECT_EQ(two, "two");
    EXPECT_EQ(&reference, &place);
    EXPECT_EQ(*four, 4);
  });
}

TEST_P(GatherTest, ARangeGivesAVector) {
  static int place = 3;
  run([] {
    EXPECT_EQ(coir::gather(numbers(5)), first_numbers(5));

    std::vector nothing{coir::spawn([] {}), coir::spawn([] {})};
    std::vector<std::monostate> none = coir::gather(nothing);
    EXPECT_EQ(none.size(), 2U);

    std::vector references{coir::spawn([]() -> int& { return place; })};
    std::vector<std::reference_wrapper<int>> wrapped = coir::gather(references);
    EXPECT_EQ(&wrapped[0].get(), &place);

    std::vector owners{coir::spawn([] { return std::make_unique<int>(4); })};
    EXPECT_EQ(*coir::gather(owners)[0], 4);
    EXPECT_THROW(coir::gather(owners), std::future_error) << "what has no copy was moved out";

    std::vector flags{coir::spawn([] { return true; }), coir::spawn([] { return false; })};
    EXPECT_EQ(coir::gather(flags), (std::vector<bool>{true, false}));
  });
}

TEST_P(GatherTest, NothingGivesNothing) {
  static_assert(std::is_same_v<decltype(coir::gather()), std::tuple<>>);
  static_assert(std::is_same_v<decltype(coir::gather_settled()), std::tuple<>>);
  auto of_nothing = [] {
    coir::gather();
    coir::gather_settled();
    EXPECT_TRUE(coir::gather(std::vector<coir::task<int>>()).empty());
    EXPECT_TRUE(coir::gather_settled(std::vector<coir::task<void>>()).empty());
  };
  of_nothing();
  run(of_nothing);
}

TEST_P(GatherTest, AnyRangeWillDo) {
  run([] {
    auto tasks = numbers(4);
    const auto& constant = tasks;
    coir::task<int> plain[] = {tasks[0], tasks[1]};
    std::list<coir::task<int>> list(tasks.begin(), tasks.end());
    std::array array{tasks[0], tasks[1]};
    EXPECT_EQ(coir::gather(constant), first_numbers(4));
    EXPECT_EQ(coir::gather(plain), first_numbers(2));
    EXPECT_EQ(coir::gather(list), first_numbers(4));
    EXPECT_EQ(coir::gather(array), first_numbers(2));
    EXPECT_EQ(coir::gather(std::span(constant)), first_numbers(4));
    EXPECT_EQ(coir::gather(tasks | std::views::reverse), (std::vector{3, 2, 1, 0}));
    EXPECT_EQ(coir::gather(tasks | std::views::drop(2) | std::views::take(1)), std::vector{2});
    auto not_common =
        tasks | std::views::take_while([&](const auto& t) { return !(t == tasks.back()); });
    EXPECT_EQ(coir::gather(not_common), first_numbers(3));
    auto not_constant = tasks | std::views::filter([&](auto& t) { return !(t == tasks[0]); });
    EXPECT_EQ(coir::gather(not_constant), (std::vector{1, 2, 3}));
  });
}

TEST_P(GatherTest, ARangeThatMakesItsTasksOnTheWayMakesEachOnce) {
  std::atomic<int> made{0};
  run([&] {
    auto spawning = std::views::iota(0, 5) | std::views::transform([&](int i) {
                      return coir::spawn([&, i] {
                        ++made;
                        return i;
                      });
                    });
    EXPECT_EQ(coir::gather(spawning), first_numbers(5));
    EXPECT_EQ(made, 5);
    EXPECT_EQ(coir::gather_settled(spawning).size(), 5U);
    EXPECT_EQ(made, 10);
  });
}

TEST_P(GatherTest, ARangeMayBeThereOnlyOnce) {
  run([] {
    coir::generator<coir::task<int>> once{[](auto& yield) {
      for (int i = 0; i < 5; ++i) yield(coir::spawn([i] { return i; }));
    }};
    EXPECT_EQ(coir::gather(once), first_numbers(5));
  });
}

TEST_P(GatherTest, AnLvalueCanBeAskedAgainAndAnRvalueIsMovedOut) {
  run([] {
    auto t = coir::spawn([] { return std::string(100, 'x'); });
    std::vector tasks{t};
    EXPECT_EQ(std::get<0>(coir::gather(t)).size(), 100U);
    EXPECT_EQ(coir::gather(tasks)[0].size(), 100U);
    EXPECT_EQ(t.get().size(), 100U);

    auto moved = t;
    EXPECT_EQ(std::get<0>(coir::gather(std::move(moved))).size(), 100U);
    EXPECT_THROW(t.get(), std::future_error);

    auto u = coir::spawn([] { return std::string(100, 'x'); });
    EXPECT_EQ(coir::gather(std::vector{u})[0].size(), 100U);
    EXPECT_THROW(u.get(), std::future_error);
  });
}

TEST_P(GatherTest, AViewOfTasksLeavesThemTheirResults) {
  run([] {
    std::vector tasks{coir::spawn([] { return std::string(100, 'x'); })};
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(coir::gather(std::span(tasks))[0].size(), 100U);
      EXPECT_EQ(coir::gather(tasks | std::views::reverse)[0].size(), 100U);
    }
    EXPECT_EQ(tasks[0].get().size(), 100U);
  });
}

TEST_P(GatherTest, TheSameTaskMayStandThereTwice) {
  run([] {
    auto t = coir::spawn([] {
      sleep_for(1s);
      return 7;
    });
    EXPECT_EQ(coir::gather(t, t), std::tuple(7, 7));
    std::vector twice{t, t};
    EXPECT_EQ(coir::gather(twice), (std::vector{7, 7}));
    auto failing = coir::spawn([] {
      sleep_for(1s);
      throw std::runtime_error("once");
    });
    EXPECT_EQ(coir_test::thrown_by([&] { coir::gather(failing, failing); }), "once");
  });
}

TEST_P(GatherTest, TasksMayHaveEndedOrRunOrNotHaveStarted) {
  run([] {
    auto done = coir::spawn([] { return 1; });
    done.join();
    auto running = coir::spawn([] {
      sleep_for(1s);
      return 2;
    });
    coir::this_fiber::yield();
    auto fresh = coir::spawn([] { return 3; });
    EXPECT_EQ(coir::gather(done, running, fresh), std::tuple(1, 2, 3));
    EXPECT_EQ(coir::gather(done, running, fresh), std::tuple(1, 2, 3)) << "all have ended";
  });
}

TEST_P(GatherTest, AHandleWithoutATaskIsRefusedAndNothingElseHappens) {
  run([] {
    coir::task<int> none;
    auto fine = coir::spawn([] {
      sleep_for(1s);
      return 1;
    });
    EXPECT_THROW(coir::gather(fine, none), std::logic_error);
    EXPECT_THROW(coir::gather(none, fine), std::logic_error);
    EXPECT_THROW(coir::gather(std::vector{fine, none}), std::logic_error);
    EXPECT_THROW(coir::gather_settled(fine, none), std::logic_error);
    EXPECT_EQ(fine.get(), 1);
  });
}

TEST_P(GatherTest, OnesOwnTaskIsRefused) {
  run([] {
    coir::task<void> self;
    coir::event known;
    self = coir::spawn([&] {
      known.wait();
      auto refused = [](auto call) {
        try {
          call();
        } catch (const std::system_error& error) {
          return error.code() == std::errc::resource_deadlock_would_occur;
        }
        return false;
      };
      auto other = coir::spawn([] {});
      EXPECT_TRUE(refused([&] { coir::gather(other, self); }));
      EXPECT_TRUE(refused([&] { coir::gather(coir::shield(self)); }));
      EXPECT_TRUE(refused([&] { coir::gather_settled(std::vector{other, self}); }));
    });
    known.set();
    self.get();
  });
}

TEST_P(GatherTest, TasksStartInTheOrderInWhichTheyWereSpawned) {
  if (!one_worker()) GTEST_SKIP() << "with more workers they run at the same time";
  run([] {
    std::string trace;
    auto letter = [&](char c) { return coir::spawn([&trace, c] { trace += c; }); };
    auto a = letter('a');
    auto b = letter('b');
    auto c = letter('c');
    coir::gather(c, a);
    EXPECT_EQ(trace, "abc");
    std::vector backwards{letter('d'), letter('e'), letter('f')};
    std::ranges::reverse(backwards);
    coir::gather(backwards);
    EXPECT_EQ(trace, "abcdef");
  });
}

TEST_P(GatherTest, TenThousandTasks) {
  run([] {
    std::vector<coir::task<int>> tasks;
    for (int i = 0; i < 10'000; ++i) tasks.push_back(coir::spawn([i] { return i; }));
    EXPECT_EQ(coir::gather(std::move(tasks)), first_numbers(10'000));
  });
}

int sum_of_tree(int depth) {
  if (depth == 0) return 1;
  auto [left, right] =
      coir::gather(coir::spawn(sum_of_tree, depth - 1), coir::spawn(sum_of_tree, depth - 1));
  return left + right;
}

TEST_P(GatherTest, ItNests) {
  run([] { EXPECT_EQ(sum_of_tree(8), 256); });
}

TEST_P(GatherTest, ItIsCalledFromFibersAndThreadsOnTasksOfAnyRuntime) {
  from_everywhere([](coir::runtime& rt) {
    std::vector<coir::task<int>> tasks;
    for (int i = 0; i < 20; ++i)
      tasks.push_back(rt.spawn([i] {
        sleep_for(1ms * (i % 3));
        return i;
      }));
    EXPECT_EQ(coir::gather(tasks), first_numbers(20));
    EXPECT_EQ(std::get<1>(coir::gather(tasks[0], rt.spawn([] { return 'x'; }))), 'x');
    EXPECT_EQ(coir::gather_settled(tasks).size(), 20U);
    auto failing = rt.spawn([] { throw std::runtime_error("there"); });
    EXPECT_EQ(coir_test::thrown_by([&] { coir::gather(tasks[0], failing); }), "there");
  });
}

TEST_P(GatherTest, ACopyThatThrowsLeavesTheTasksAsTheyAre) {
  struct fragile {
    explicit fragile(bool* armed) : armed_(armed) {}
    fragile(fragile&& other) noexcept : armed_(other.armed_) {}
    fragile(const fragile& other) : armed_(other.armed_) {
      if (*armed_) throw std::runtime_error("no copy");
    }
    bool* armed_;
  };
  run([] {
    bool armed = true;
    auto t = coir::spawn([&] { return fragile(&armed); });
    EXPECT_EQ(coir_test::thrown_by([&] { coir::gather(t, t); }), "no copy");
    armed = false;
    coir::gather(t, t);
  });
}

}  // namespace
