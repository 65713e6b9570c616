// condition_variable_test.cpp - the sentence that each misuse of a condition variable ends in.
// SPDX-License-Identifier: BSL-1.0
#include <coir/condition_variable.hpp>
#include <coir/mutex.hpp>
#include <coir/runtime.hpp>
#include <coir/spawn.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <system_error>

#include "support/death.hpp"

namespace {

// Runs f in a fiber of this name.
template <class F>
void in_fiber(const char* name, F f) {
  coir::run([&] { coir::spawn({.name = name}, [&] { f(); }).join(); });
}

class ConditionVariableMisuse : public testing::Test {
 protected:
  void SetUp() override { coir_test::die_in_new_program(); }
};

TEST_F(ConditionVariableMisuse, WaitingWithALockThatIsNotLockedThrows) {
  coir::mutex m;
  coir::condition_variable changed;
  std::unique_lock lock(m, std::defer_lock);
  EXPECT_THROW(changed.wait(lock), std::system_error);
}

#if COIR_TEST_DEBUG_BUILD  // the library looks for it where it has assertions
TEST_F(ConditionVariableMisuse, WaitingWithAMutexThatAnotherHolds) {
  EXPECT_DEATH(
      in_fiber("ann",
               [] {
                 coir::mutex m;
                 coir::condition_variable changed;
                 std::unique_lock lock(m, std::adopt_lock);
                 changed.wait(lock);
               }),
      "^coir: a condition variable is waited for by fiber \"ann\" with a mutex that it does "
      "not hold\n");
}

TEST_F(ConditionVariableMisuse, WaitingWithTwoMutexes) {
  auto misuse = [] {
    coir::mutex one;
    coir::mutex other;
    coir::condition_variable changed;
    coir::spawn([&] {
      std::unique_lock lock(one);
      changed.wait(lock);
    });
    coir::this_fiber::yield();
    std::unique_lock lock(other);
    changed.wait(lock);
  };
  EXPECT_DEATH(in_fiber("ann", misuse),
               "^coir: a condition variable is waited for by fiber \"ann\" with another mutex than "
               "that of who waits already\n");
}

template <class ConditionVariable>
void destroy_one_with_a_waiter() {
  coir::mutex m;
  std::optional<ConditionVariable> changed(std::in_place);
  coir::spawn([&] {
    std::unique_lock lock(m);
    changed->wait(lock);
  });
  coir::this_fiber::yield();
  changed.reset();
}

TEST_F(ConditionVariableMisuse, DestroyingOneThatSomebodyWaitsFor) {
  const char* sentence =
      "^coir: a condition variable is destroyed by fiber \"ann\" while somebody waits for it\n";
  EXPECT_DEATH(in_fiber("ann", &destroy_one_with_a_waiter<coir::condition_variable>), sentence);
  EXPECT_DEATH(in_fiber("ann", &destroy_one_with_a_waiter<coir::condition_variable_any>), sentence);
}
#endif

}  // namespace
