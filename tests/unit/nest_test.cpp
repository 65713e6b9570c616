// nest_test.cpp - a run() inside a fiber leaves nothing behind.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/runtime.hpp>
#include <coir/testing.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <vector>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;

class NestTest : public coir_test::workers_test {
 protected:
  coir::testing::virtual_time clock_;
};
INSTANTIATE_TEST_SUITE_P(Workers, NestTest, coir_test::one_and_four_workers());

TEST_P(NestTest, WhatWasSpawnedUnderItIsCancelledAndJoinedHoweverDeep) {
  run([&] {
    coir::task<void> child;
    coir::task<void> grandchild;
    int result = coir::run([&] {
      child = coir::spawn([&] {
        grandchild = coir::spawn([] { sleep_for(1h); });
        sleep_for(1h);
      });
      sleep_for(1s);
      return 5;
    });
    EXPECT_EQ(result, 5);
    EXPECT_TRUE(child.done() && child.cancelled());
    EXPECT_TRUE(grandchild.done() && grandchild.cancelled());
  });
  EXPECT_EQ(clock_.elapsed(), 1s);
}

TEST_P(NestTest, WhatWasSpawnedAroundItIsLeftAlone) {
  run([] {
    auto around = coir::spawn([] { sleep_for(2s); });
    coir::run([] { sleep_for(1s); });
    EXPECT_FALSE(around.done());
    auto after = coir::spawn([] { sleep_for(2s); });
    around.join();
    after.join();
    EXPECT_FALSE(around.cancelled() || after.cancelled());
  });
}

TEST_P(NestTest, AnExceptionLeavesItWhenAllHaveEnded) {
  run([] {
    coir::task<void> child;
    auto failing = [&] {
      child = coir::spawn([] { sleep_for(1h); });
      coir::this_fiber::yield();
      throw std::runtime_error("the body");
    };
    EXPECT_THROW(coir::run(failing), std::runtime_error);
    EXPECT_TRUE(child.cancelled());
  });
}

TEST_P(NestTest, TheyNest) {
  run([] {
    coir::task<void> outer;
    coir::task<void> inner;
    coir::run([&] {
      outer = coir::spawn([] { sleep_for(1h); });
      coir::run([&] {
        inner = coir::spawn([] { sleep_for(1h); });
        coir::this_fiber::yield();
      });
      EXPECT_TRUE(inner.done());
      EXPECT_FALSE(outer.done());
    });
    EXPECT_TRUE(outer.cancelled());
  });
}

TEST_P(NestTest, ADyingFiberMaySpawnAndLeavesNothingEither) {
  run([] {
    coir::task<void> late;
    coir::run([&] {
      coir::spawn([&] {
        try {
          sleep_for(1h);
        } catch (const coir::cancelled&) {
          late = coir::spawn([] { sleep_for(1h); });
          throw;
        }
      });
      coir::this_fiber::yield();
      sleep_for(1ms);
    });
    EXPECT_TRUE(late.done() && late.cancelled());
  });
}

TEST_P(NestTest, CancellingWhoRunsItCancelsWhatIsInIt) {
  run([] {
    std::vector<coir::task<void>> inside;
    auto runner = coir::spawn([&] {
      coir::run([&] {
        for (int i = 0; i < 10; ++i) inside.push_back(coir::spawn([] { sleep_for(1h); }));
        sleep_for(1h);
      });
    });
    sleep_for(1s);
    runner.cancel();
    runner.join();
    EXPECT_TRUE(runner.cancelled());
    for (auto& t : inside) EXPECT_TRUE(t.done() && t.cancelled());
  });
}

}  // namespace
