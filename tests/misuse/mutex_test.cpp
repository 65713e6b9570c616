// mutex_test.cpp - the sentence that each misuse of a mutex ends in.
// SPDX-License-Identifier: BSL-1.0
#include <coir/mutex.hpp>
#include <coir/runtime.hpp>
#include <coir/shared_mutex.hpp>
#include <coir/spawn.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <thread>

#include "support/death.hpp"

namespace {

// Runs f in a fiber of this name.
template <class F>
void in_fiber(const char* name, F f) {
  coir::run([&] { coir::spawn({.name = name}, [&] { f(); }).join(); });
}

class MutexMisuse : public testing::Test {
 protected:
  void SetUp() override { coir_test::die_in_new_program(); }
};

TEST_F(MutexMisuse, UnlockingAFreeOne) {
  coir::mutex m;
  EXPECT_DEATH(in_fiber("ann", [&] { m.unlock(); }),
               "^coir: a mutex is unlocked by fiber \"ann\", which does not hold it\n");
  EXPECT_DEATH(std::thread([&] {
                 coir::this_fiber::set_name("bob");
                 m.unlock();
               }).join(),
               "^coir: a mutex is unlocked by thread \"bob\", which does not hold it\n");
}

TEST_F(MutexMisuse, UnlockingWhatAnotherHolds) {
  coir::mutex m;
  m.lock();
  EXPECT_DEATH(in_fiber("ann", [&] { m.unlock(); }),
               "^coir: a mutex is unlocked by fiber \"ann\", which does not hold it\n");
  m.unlock();
}

TEST_F(MutexMisuse, UnlockingARecursiveOneTooOften) {
  coir::recursive_mutex m;
  EXPECT_DEATH(in_fiber("ann",
                        [&] {
                          m.lock();
                          m.lock();
                          for (int i = 0; i < 3; ++i) m.unlock();
                        }),
               "^coir: a mutex is unlocked by fiber \"ann\", which does not hold it\n");
}

TEST_F(MutexMisuse, UnlockingASharedOne) {
  coir::shared_mutex m;
  EXPECT_DEATH(in_fiber("ann", [&] { m.unlock(); }),
               "^coir: a shared_mutex is unlocked by fiber \"ann\", which does not hold it\n");
  EXPECT_DEATH(
      in_fiber("ann", [&] { m.unlock_shared(); }),
      "^coir: a shared_mutex is unlocked for reading by fiber \"ann\", but nobody reads\n");
  EXPECT_DEATH(in_fiber("ann",
                        [&] {
                          m.lock_shared();
                          m.unlock();
                        }),
               "^coir: a shared_mutex is unlocked by fiber \"ann\", which does not hold it\n");
}

TEST_F(MutexMisuse, UnlockingTimedOnes) {
  const char* sentence = "^coir: a mutex is unlocked by fiber \"ann\", which does not hold it\n";
  EXPECT_DEATH(in_fiber("ann", [] { coir::timed_mutex().unlock(); }), sentence);
  EXPECT_DEATH(in_fiber("ann", [] { coir::recursive_timed_mutex().unlock(); }), sentence);
  EXPECT_DEATH(in_fiber("ann", [] { coir::shared_timed_mutex().unlock(); }),
               "^coir: a shared_mutex is unlocked by fiber \"ann\", which does not hold it\n");
  EXPECT_DEATH(
      in_fiber("ann", [] { coir::shared_timed_mutex().unlock_shared(); }),
      "^coir: a shared_mutex is unlocked for reading by fiber \"ann\", but nobody reads\n");
}

#ifndef NDEBUG
TEST_F(MutexMisuse, DestroyingALockedOne) {
  EXPECT_DEATH(in_fiber("ann",
                        [] {
                          coir::mutex m;
                          m.lock();
                        }),
               "^coir: a mutex is destroyed by fiber \"ann\" while it is locked\n");
  EXPECT_DEATH(in_fiber("ann",
                        [] {
                          coir::shared_mutex m;
                          m.lock_shared();
                        }),
               "^coir: a shared_mutex is destroyed by fiber \"ann\" while it is locked\n");
}

TEST_F(MutexMisuse, DestroyingOneThatSomebodyWaitsFor) {
  // One of the two is woken by unlock(), and has not run.
  auto misuse = [] {
    coir::mutex m;
    m.lock();
    for (int i = 0; i < 2; ++i) coir::spawn([&] { m.lock(); });
    coir::this_fiber::yield();
    m.unlock();
  };
  EXPECT_DEATH(in_fiber("ann", misuse),
               "^coir: a mutex is destroyed by fiber \"ann\" while somebody waits for it\n");
}
#endif

}  // namespace
