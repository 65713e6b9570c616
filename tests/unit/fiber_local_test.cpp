// fiber_local_test.cpp - one value per fiber, and one per plain thread.
// SPDX-License-Identifier: BSL-1.0
#include <coir/fiber_local.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class FiberLocalTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, FiberLocalTest, coir_test::one_and_four_workers());

TEST_P(FiberLocalTest, EachFiberHasItsOwnAndTheThreadToo) {
  coir::fiber_local<int> value;
  *value = 7;
  run([&] {
    EXPECT_EQ(*value, 0);
    std::vector<coir::task<int>> tasks;
    for (int i = 0; i < 50; ++i) {
      tasks.push_back(coir::spawn([&, i] {
        *value = i;
        for (int n = 0; n < 20; ++n) {
          coir::this_fiber::yield();
          ++*value;
        }
        return *value - 20;
      }));
    }
    for (int i = 0; i < 50; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].get(), i);
    EXPECT_EQ(*value, 0);
  });
  EXPECT_EQ(*value, 7);
  std::thread([&] { EXPECT_EQ(*value, 0); }).join();
}

TEST_P(FiberLocalTest, ANewFiberDoesNotInheritTheValueOfOneThatEnded) {
  coir::fiber_local<std::string> value;
  run([&] {
    for (int i = 0; i < 100; ++i) {
      coir::spawn([&] {
        EXPECT_EQ(*value, "");
        *value = "used";
      }).join();
    }
  });
}

TEST_P(FiberLocalTest, TheFirstUseMakesTheValueByTheGivenFunction) {
  std::atomic<int> made{0};
  coir::fiber_local<std::unique_ptr<int>> value([&] { return std::make_unique<int>(++made); });
  run([&] {
    int first = **value;
    EXPECT_EQ(**value, first);
    EXPECT_EQ(value->get(), &**value);
    EXPECT_NE(coir::spawn([&] { return **value; }).get(), first);
  });
  EXPECT_EQ(made, 2);
}

TEST_P(FiberLocalTest, AFunctionThatThrowsMakesNoValue) {
  int calls = 0;
  coir::fiber_local<int> value([&]() -> int {
    if (++calls == 1) throw std::runtime_error("not yet");
    return 5;
  });
  run([&] {
    EXPECT_THROW(*value, std::runtime_error);
    EXPECT_EQ(*value, 5);
  });
}

TEST_P(FiberLocalTest, ValuesAreDestroyedOnTheirFiberTheYoungestFirst) {
  static std::string trace;
  static coir::fiber_id where;
  trace.clear();
  struct value {
    char name = '?';
    ~value() {
      if (name == '?') return;
      trace += name;
      coir::this_fiber::yield();
      if (coir::this_fiber::get_id() != where) trace += "!";
    }
  };
  coir::fiber_local<value> a;
  coir::fiber_local<value> b;
  coir::fiber_local<value> c;
  run([&] {
    coir::spawn([&] {
      where = coir::this_fiber::get_id();
      b->name = 'b';
      a->name = 'a';
      c->name = 'c';
    }).join();
  });
  EXPECT_EQ(trace, "cab");
}

TEST_P(FiberLocalTest, ADestructorMayAskForAnotherValue) {
  static coir::fiber_local<int>* other;
  static std::atomic<int> last;
  coir::fiber_local<int> plain;
  other = &plain;
  last = 0;
  struct asks {
    bool armed = false;
    ~asks() {
      if (armed) last = ++**other;
    }
  };
  coir::fiber_local<asks> value;
  run([&] {
    coir::spawn([&] { value->armed = true; }).join();
    EXPECT_EQ(last, 1);
  });
}

TEST_P(FiberLocalTest, ValuesOfACancelledFiberAreDestroyedToo) {
  auto token = std::make_shared<int>(0);
  coir::fiber_local<std::shared_ptr<int>> value;
  std::atomic<bool> waits{false};
  run([&] {
    coir::spawn([&] {
      *value = token;
      waits = true;
      coir::this_fiber::sleep_for(1h);
    });
    while (!waits) coir::this_fiber::yield();
  });
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
