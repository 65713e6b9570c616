// run_blocking_test.cpp - calls that block a thread, while the fiber waits for them.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context_var.hpp>
#include <coir/event.hpp>
#include <coir/run_blocking.hpp>
#include <coir/runtime.hpp>
#include <coir/stack.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <pthread.h>

#include "support/workers.hpp"

namespace {

using coir::run_blocking;
using coir::spawn_blocking;

constexpr const char* name_on_pool = "coir-blocking";

std::string thread_name() {
  char name[64] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

class RunBlockingTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, RunBlockingTest, coir_test::one_and_four_workers());

TEST_P(RunBlockingTest, TheCallIsMadeOnAnotherThreadWithoutACurrentRuntime) {
  run([] {
    std::thread::id here = std::this_thread::get_id();
    std::thread::id there = run_blocking([] {
      EXPECT_EQ(coir::runtime::current(), nullptr);
      EXPECT_EQ(thread_name(), name_on_pool);
      return std::this_thread::get_id();
    });
    EXPECT_NE(here, there);
    EXPECT_NE(coir::runtime::current(), nullptr);
  });
}

TEST_P(RunBlockingTest, ItReturnsWhatTheCallReturns) {
  run([] {
    EXPECT_EQ(run_blocking([] { return 42; }), 42);
    EXPECT_EQ(*run_blocking(std::make_unique<int, int>, 7), 7);
    int place = 0;
    static_assert(std::is_same_v<decltype(run_blocking([&]() -> int& { return place; })), int&>);
    EXPECT_EQ(&run_blocking([&]() -> int& { return place; }), &place);
    static_assert(std::is_same_v<decltype(run_blocking([] {})), void>);
    run_blocking([&] { place = 1; });
    EXPECT_EQ(place, 1);
  });
}

TEST_P(RunBlockingTest, ArgumentsAreHandedOnAsTheyAre) {
  run([] {
    std::string text = "text";
    run_blocking([&](std::string& same) { EXPECT_EQ(&same, &text); }, text);
    auto owned = std::make_unique<int>(3);
    auto back = run_blocking([](std::unique_ptr<int> p) { return p; }, std::move(owned));
    EXPECT_EQ(*back, 3);
    EXPECT_EQ(run_blocking(&std::string::size, text), 4U);
  });
}

TEST_P(RunBlockingTest, WhatTheCallThrowsIsThrownHere) {
  run([] {
    EXPECT_THROW(run_blocking([] { throw std::runtime_error("out"); }), std::runtime_error);
    EXPECT_THROW(run_blocking([]() -> int { throw 5; }), int);
    EXPECT_EQ(run_blocking([] { return 1; }), 1) << "and the thread goes on";
  });
}

TEST_P(RunBlockingTest, OtherFibersGoOnMeanwhile) {
  run([] {
    std::promise<int> answer;
    auto t = coir::spawn([&] { return run_blocking([&] { return answer.get_future().get(); }); });
    for (int i = 0; i < 100; ++i) coir::this_fiber::yield();
    EXPECT_FALSE(t.done());
    answer.set_value(6);
    EXPECT_EQ(t.get(), 6);
  });
}

TEST(RunBlocking, OnAPlainThreadTheCallIsMadeRightThere) {
  EXPECT_EQ(run_blocking([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
  EXPECT_THROW(run_blocking([] { throw 5; }), int);
}

TEST_P(RunBlockingTest, WithinABlockingCallAnotherOneIsMadeRightThere) {
  run([] {
    run_blocking([] {
      EXPECT_EQ(run_blocking([] { return std::this_thread::get_id(); }),
                std::this_thread::get_id());
    });
  });
}

TEST_P(RunBlockingTest, WithinABlockingCallCoirsWaitsBlockTheThread) {
  run([] {
    coir::event asked;
    coir::event answered;
    auto t = spawn_blocking([&] {
      asked.set();
      answered.wait();
      return 3;
    });
    asked.wait();
    answered.set();
    EXPECT_EQ(t.get(), 3);
  });
}

TEST_P(RunBlockingTest, WithinABlockingCallAContextVarHasTheValueOfTheFiber) {
  run([] {
    coir::context_var<int> depth{0};
    {
      coir::context_var<int>::scope one{depth, 1};
      EXPECT_EQ(run_blocking([&] { return *depth; }), 1);
      EXPECT_EQ(spawn_blocking([&] { return *depth; }).get(), 1);
      run_blocking([&] {
        coir::context_var<int>::scope two{depth, 2};
        EXPECT_EQ(*depth, 2);
      });
      EXPECT_EQ(*depth, 1);
    }
    EXPECT_EQ(run_blocking([&] { return *depth; }), 0);
  });
}

// Not of the fixture: the fiber ends in the default runtime, which lives on and keeps its stack.
TEST(RunBlocking, AFiberThatIsSpawnedWithinABlockingCallHasTheValueOfTheCall) {
  coir::context_var<int> depth{0};
  coir::run([&] {
    run_blocking([&] {
      coir::context_var<int>::scope two{depth, 2};
      EXPECT_EQ(coir::spawn([&] { return *depth; }).get(), 2);
    });
  });
}

TEST_P(RunBlockingTest, SpawnBlockingTakesCopiesOptionsAndMoveOnlyArguments) {
  run([] {
    int value = 1;
    auto a = spawn_blocking([](int& copy) { return ++copy; }, std::ref(value));
    auto b = spawn_blocking(
        {.name = "b"}, [](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(4));
    EXPECT_EQ(b.name(), "b");
    EXPECT_EQ(a.get(), 2);
    EXPECT_EQ(value, 2);
    EXPECT_EQ(b.get(), 4);
    auto c = spawn_blocking([]() -> std::unique_ptr<int> { return std::make_unique<int>(5); });
    EXPECT_EQ(*c.take(), 5);
    EXPECT_THROW(spawn_blocking([] { throw std::runtime_error("out"); }).get(), std::runtime_error);
  });
}

TEST(RunBlocking, SpawnBlockingWorksOutsideOfAnyRuntime) {
  EXPECT_EQ(spawn_blocking(thread_name).get(), name_on_pool);
  while (coir::stack_stats().live != 0) std::this_thread::yield();
}

}  // namespace
