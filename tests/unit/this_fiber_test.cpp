// this_fiber_test.cpp - what a fiber says of and to itself.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_set>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class ThisFiberTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, ThisFiberTest, coir_test::one_and_four_workers());

TEST_P(ThisFiberTest, AnIdIsComparedPrintedAndHashed) {
  run([] {
    coir::fiber_id own = coir::this_fiber::get_id();
    coir::fiber_id other = coir::spawn([] { return coir::this_fiber::get_id(); }).get();
    EXPECT_EQ(own, coir::this_fiber::get_id());
    EXPECT_NE(own, other);
    EXPECT_TRUE((own < other) != (other < own));
    std::ostringstream text;
    text << own;
    EXPECT_EQ(text.str(), std::to_string(own.number()));
    std::unordered_set<coir::fiber_id> set{own, other, own};
    EXPECT_EQ(set.size(), 2U);
  });
}

TEST_P(ThisFiberTest, TheIdStaysOverWaitsAndMigrations) {
  run([] {
    coir::fiber_id own = coir::this_fiber::get_id();
    for (int i = 0; i < 100; ++i) {
      coir::spawn([] {}).join();
      coir::this_fiber::yield();
      EXPECT_EQ(coir::this_fiber::get_id(), own);
    }
  });
}

TEST_P(ThisFiberTest, WithoutANameItIsCalledByItsNumber) {
  run([] {
    EXPECT_EQ(coir::this_fiber::name(),
              "fiber-" + std::to_string(coir::this_fiber::get_id().number()));
    coir::this_fiber::set_name("worker bee");
    EXPECT_EQ(coir::this_fiber::name(), "worker bee");
    coir::this_fiber::set_name(std::string(10'000, 'n'));
    EXPECT_EQ(coir::this_fiber::name().size(), 10'000U);
  });
}

TEST_P(ThisFiberTest, ANameIsForgottenWithItsFiber) {
  run([] {
    for (int i = 0; i < 300; ++i) {
      auto t = coir::spawn([] {
        std::string before = coir::this_fiber::name();
        coir::this_fiber::set_name("stale");
        return before;
      });
      EXPECT_EQ(t.get().substr(0, 6), "fiber-");
    }
  });
}

TEST(ThisFiberPlain, APlainThreadIsNamedAsTheSystemNamesIt) {
  std::thread([] {
    coir::this_fiber::set_name("a plain thread with a long name");
    EXPECT_EQ(coir::this_fiber::name(), "a plain thread ");
  }).join();
}

[[gnu::noinline]] std::size_t used_below(int depth) {
  char frame[1024];
  asm volatile("" : : "r"(frame) : "memory");
  std::size_t used = depth == 0 ? coir::this_fiber::stack_used() : used_below(depth - 1);
  asm volatile("" : : "r"(frame) : "memory");
  return used;
}

TEST_P(ThisFiberTest, StackUsedGrowsWithTheCallsUnderWay) {
  run([] {
    std::size_t here = coir::this_fiber::stack_used();
    EXPECT_GT(here, 0U);
    EXPECT_LT(here, 64U * 1024);
    std::size_t deep = used_below(10);
    EXPECT_GE(deep, here + 10 * 1024);
    EXPECT_EQ(coir::this_fiber::stack_used(), here);
  });
}

TEST_P(ThisFiberTest, ACancellationPointThrowsWhenAskedToEnd) {
  std::atomic<bool> thrown{false};
  std::atomic<bool> waits{false};
  run([&] {
    coir::spawn([&] {
      waits = true;
      try {
        coir::this_fiber::sleep_for(1h);
      } catch (const coir::cancelled&) {
        coir::this_fiber::cancellation_point();  // each request is delivered once
        thrown = true;
        throw;
      }
    });
    coir::this_fiber::cancellation_point();
    while (!waits) coir::this_fiber::yield();
  });
  EXPECT_TRUE(thrown);
}

}  // namespace
