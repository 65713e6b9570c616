// spawn_test.cpp - what a spawned fiber is given, when it starts, and where it may run.
// SPDX-License-Identifier: BSL-1.0
#include <coir/runtime.hpp>
#include <coir/spawn.hpp>
#include <coir/stack.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/workers.hpp"

namespace {

class SpawnTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, SpawnTest, coir_test::one_and_four_workers());

TEST_P(SpawnTest, AFiberDoesNotStartBeforeItsSpawnerSuspends) {
  if (GetParam() != 1) GTEST_SKIP() << "with more workers another one may start it";
  run([] {
    bool ran = false;
    auto t = coir::spawn([&] { ran = true; });
    EXPECT_FALSE(ran);
    EXPECT_FALSE(t.done());
    coir::this_fiber::yield();
    EXPECT_TRUE(ran);
    EXPECT_TRUE(t.done());
  });
}

TEST(SpawnOrder, FirstSpawnedIsFirstStarted) {
  coir::run([] {
    std::string trace;
    for (char c : std::string("abcdefghij")) coir::spawn([&trace, c] { trace += c; });
    coir::this_fiber::yield();
    EXPECT_EQ(trace, "abcdefghij");
  });
}

TEST(SpawnOrder, AJoinStartsAFreshFiberAtOnceAndTheOthersKeepTheirOrder) {
  coir::run([] {
    std::string trace;
    std::vector<coir::task<void>> tasks;
    for (char c : std::string("abcde")) tasks.push_back(coir::spawn([&trace, c] { trace += c; }));
    tasks[3].join();
    EXPECT_EQ(trace, "d");
    tasks[1].get();
    EXPECT_EQ(trace, "db");
    tasks[4].join();
    EXPECT_EQ(trace, "dbe");
    coir::this_fiber::yield();
    EXPECT_EQ(trace, "dbeac");
  });
}

TEST(SpawnOrder, AJoinDoesNotPreferAPinnedFiber) {
  coir::run([] {
    std::string trace;
    coir::spawn([&] { trace += 'a'; });
    auto pinned = coir::spawn({.pinned = true}, [&] { trace += 'b'; });
    coir::spawn([&] { trace += 'c'; });
    pinned.join();
    EXPECT_EQ(trace.substr(0, 2), "ab");
    coir::this_fiber::yield();
    EXPECT_EQ(trace, "abc");
  });
}

TEST(SpawnOrder, AJoinDoesNotPreferAFiberThatHasStarted) {
  coir::run([] {
    std::string trace;
    auto started = coir::spawn([&] {
      trace += 'a';
      coir::this_fiber::yield();
      trace += 'A';
    });
    coir::this_fiber::yield();
    coir::spawn([&] { trace += 'b'; });
    started.join();
    EXPECT_EQ(trace, "aAb");
  });
}

TEST(SpawnOrder, AYieldPassesOverNobody) {
  coir::run([] {
    std::string trace;
    auto body = [&](char c) {
      for (int i = 0; i < 3; ++i) {
        trace += c;
        coir::this_fiber::yield();
      }
    };
    auto a = coir::spawn(body, 'a');
    auto b = coir::spawn(body, 'b');
    auto c = coir::spawn(body, 'c');
    coir::this_fiber::yield();
    EXPECT_EQ(trace, "abc");
    coir::this_fiber::yield();
    coir::this_fiber::yield();
    coir::this_fiber::yield();
    EXPECT_EQ(trace, "abcabcabc");
  });
}

TEST_P(SpawnTest, ArgumentsAreCopiedAsStdThreadCopiesThem) {
  run([] {
    std::string text = "one";
    auto copied = coir::spawn([](const std::string& s) { return s + "!"; }, text);
    text = "two";
    EXPECT_EQ(copied.get(), "one!");

    std::string changed = "old";
    coir::spawn([](std::string& s) { s = "new"; }, std::ref(changed)).join();
    EXPECT_EQ(changed, "new");

    auto moved = coir::spawn([](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(7));
    EXPECT_EQ(moved.get(), 7);
  });
}

struct counter {
  int value = 40;
  int add(int more) const { return value + more; }
};

int plain_function(int a, int b) {
  return a * b;
}

TEST_P(SpawnTest, AnythingThatCanBeInvokedCanBeSpawned) {
  run([] {
    EXPECT_EQ(coir::spawn(plain_function, 6, 7).get(), 42);
    EXPECT_EQ(coir::spawn(&plain_function, 6, 7).get(), 42);
    EXPECT_EQ(coir::spawn(&counter::add, counter{}, 2).get(), 42);
    EXPECT_EQ(coir::spawn(std::function<int()>([] { return 42; })).get(), 42);
  });
}

TEST_P(SpawnTest, AClosureOfAnySizeAndAlignmentArrivesWhole) {
  run([] {
    struct alignas(64) large {
      std::array<char, 4096> bytes;
    };
    large given{};
    given.bytes.fill('x');
    auto t = coir::spawn(
        [](const large& l) {
          EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&l) % 64, 0U);
          return static_cast<int>(std::count(l.bytes.begin(), l.bytes.end(), 'x'));
        },
        given);
    EXPECT_EQ(t.get(), 4096);
  });
}

TEST_P(SpawnTest, ACopyThatThrowsSpawnsNothingAndLosesNothing) {
  struct stubborn {
    stubborn() = default;
    stubborn(const stubborn&) { throw std::runtime_error("no copies"); }
  };
  run([] {
    stubborn s;
    EXPECT_THROW(static_cast<void>(coir::spawn([](const stubborn&) {}, s)), std::runtime_error);
    EXPECT_EQ(coir::runtime::current()->stats().live_fibers, 1U);
  });
}

TEST_P(SpawnTest, TheClosureIsDestroyedWhenTheBodyEnds) {
  run([] {
    auto token = std::make_shared<int>(1);
    auto t = coir::spawn([token] { coir::this_fiber::yield(); });
    t.join();
    EXPECT_EQ(token.use_count(), 1);
  });
}

TEST_P(SpawnTest, AnOptionNamesTheFiber) {
  run([] {
    auto t = coir::spawn({.name = "crawler"}, [] { return coir::this_fiber::name(); });
    EXPECT_EQ(t.name(), "crawler");
    EXPECT_EQ(t.get(), "crawler");
    EXPECT_EQ(t.name(), "crawler") << "the name outlives the body";
  });
}

TEST_P(SpawnTest, AStackIsAsLargeAsAsked) {
  run([] {
    auto deep = [] {
      char frame[700 * 1024];
      asm volatile("" : : "r"(frame) : "memory");
      std::size_t used = coir::this_fiber::stack_used();
      asm volatile("" : : "r"(frame) : "memory");
      return used;
    };
    EXPECT_GT(coir::spawn({.stack_size = 1024 * 1024}, deep).get(), 700U * 1024);
    EXPECT_GT(coir::spawn({.stack_size = 0}, [] { return coir::this_fiber::stack_used(); }).get(),
              0U);
  });
}

TEST_P(SpawnTest, AStackNoAddressSpaceCanHoldIsAnInvalidArgument) {
  run([] {
    EXPECT_THROW(static_cast<void>(coir::spawn({.stack_size = SIZE_MAX}, [] {})),
                 std::invalid_argument);
    EXPECT_EQ(coir::runtime::current()->stats().live_fibers, 1U);
  });
}

// The calling thread's id. The compiler takes std::this_thread::get_id() for a constant.
[[gnu::noinline]] std::thread::id thread_here() {
  asm volatile("" : : : "memory");
  return std::this_thread::get_id();
}

TEST(SpawnMany, APinnedFiberNeverChangesItsThread) {
  coir::run(
      [] {
        std::vector<coir::task<bool>> pinned;
        for (int i = 0; i < 20; ++i) {
          pinned.push_back(coir::spawn({.pinned = true}, [] {
            auto at = thread_here();
            bool same = true;
            for (int n = 0; n < 500; ++n) {
              coir::this_fiber::yield();
              same = same && thread_here() == at;
            }
            return same;
          }));
        }
        std::vector<coir::task<void>> others;
        for (int i = 0; i < 20; ++i) {
          others.push_back(coir::spawn([] {
            for (int n = 0; n < 500; ++n) coir::this_fiber::yield();
          }));
        }
        for (auto& t : pinned) EXPECT_TRUE(t.get());
        for (auto& t : others) t.join();
      },
      {.workers = 4});
}

// Joined in the order of spawning, each starts when its parent waits for it: depth-first.
int leaves(int depth) {
  if (depth == 0) return 1;
  std::array<coir::task<int>, 10> children;
  for (auto& child : children) child = coir::spawn(leaves, depth - 1);
  int sum = 0;
  for (auto& child : children) sum += child.get();
  return sum;
}

TEST(SpawnMany, ATreeOfAHundredThousandTasksRunsOnAHandfulOfStacks) {
  std::size_t before = coir::stack_stats().live;
  EXPECT_EQ(coir::run([] { return leaves(5); }), 100'000);
  EXPECT_EQ(coir::stack_stats().live, before);
  // Each level holds one; a visit to the loop may start a few out of turn.
  EXPECT_LT(coir::stack_stats().high_water, 2'000U);
}

TEST(SpawnMany, TheSameTreeOnFourWorkers) {
  EXPECT_EQ(coir::run([] { return leaves(4); }, {.workers = 4}), 10'000);
}

TEST(SpawnMany, AChainOfJoinsMayBeAsDeepAsMemoryAllows) {
  static int (*const down)(int) = [](int depth) {
    if (depth == 0) return 0;
    return coir::spawn(down, depth - 1).get() + 1;
  };
  EXPECT_EQ(coir::run([] { return down(2'000); }), 2'000);
  EXPECT_EQ(coir::run([] { return down(2'000); }, {.workers = 4}), 2'000);
}

}  // namespace
