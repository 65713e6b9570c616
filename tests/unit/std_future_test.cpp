// std_future_test.cpp - a task's result for code that knows std::future only.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/runtime.hpp>
#include <coir/std_future.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <utility>

namespace {

using namespace std::chrono_literals;

class StdFutureTest : public testing::TestWithParam<unsigned> {
 protected:
  coir::runtime runtime_ = coir::runtime::background({.workers = GetParam()});
};
INSTANTIATE_TEST_SUITE_P(Workers, StdFutureTest, testing::Values(1U, 4U));

TEST_P(StdFutureTest, HasTheValueOfTheTask) {
  auto t = runtime_.spawn([] {
    coir::this_fiber::sleep_for(1ms);
    return 42;
  });
  EXPECT_EQ(coir::to_std_future(t).get(), 42);
  EXPECT_EQ(t.get(), 42) << "it was copied";
}

TEST_P(StdFutureTest, OfNothingOrAReferenceOrWhatOnlyMoves) {
  int place = 0;
  coir::to_std_future(runtime_.spawn([] {})).get();
  EXPECT_EQ(&coir::to_std_future(runtime_.spawn([&]() -> int& { return place; })).get(), &place);
  EXPECT_EQ(*coir::to_std_future(runtime_.spawn([] { return std::make_unique<int>(7); })).get(), 7);
}

TEST_P(StdFutureTest, HasItsExceptionAndThatItWasCancelled) {
  auto failing = runtime_.spawn([] { throw std::runtime_error("no"); });
  EXPECT_THROW(coir::to_std_future(failing).get(), std::runtime_error);
  auto sleeping = runtime_.spawn([] { coir::this_fiber::sleep_for(1h); });
  std::future<void> future = coir::to_std_future(sleeping);
  sleeping.cancel();
  EXPECT_THROW(future.get(), coir::cancelled);
}

TEST(StdFuture, IsKeptThoughTheRuntimeEnds) {
  std::future<void> future;
  {
    coir::runtime own = coir::runtime::background();
    future = coir::to_std_future(own.spawn([] { coir::this_fiber::sleep_for(1h); }));
  }
  EXPECT_THROW(future.get(), coir::cancelled);
}

}  // namespace
