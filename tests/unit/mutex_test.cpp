// mutex_test.cpp - one at a time, by turns that are fair enough.
// SPDX-License-Identifier: BSL-1.0
#include <coir/mutex.hpp>
#include <coir/runtime.hpp>
#include <coir/semaphore.hpp>
#include <coir/shared_mutex.hpp>
#include <coir/spawn.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class Mutex : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Mutex, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(std::is_nothrow_default_constructible_v<coir::mutex>);
static_assert(!std::is_copy_constructible_v<coir::mutex>);
static_assert(!std::is_copy_assignable_v<coir::mutex>);
static_assert(std::is_standard_layout_v<coir::mutex>);
static_assert(std::is_standard_layout_v<coir::timed_mutex>);
static_assert(std::is_standard_layout_v<coir::recursive_mutex>);
static_assert(std::is_standard_layout_v<coir::recursive_timed_mutex>);
static_assert(std::is_same_v<coir::lock_guard<coir::mutex>, std::lock_guard<coir::mutex>>);
constinit coir::mutex at_program_start;

template <class M>
void counts_right(parties& all) {
  M m;
  int count = 0;
  for (int i = 0; i < 8; ++i)
    all.start([&] {
      for (int turn = 0; turn < 200; ++turn) {
        std::lock_guard guard(m);
        int before = count;
        if (turn % 8 == 0) coir::this_fiber::yield();
        count = before + 1;
      }
    });
  all.join();
  EXPECT_EQ(count, 1600);
}

TEST_P(Mutex, OneAtATime) {
  with_parties(counts_right<coir::mutex>);
  with_parties(counts_right<coir::timed_mutex>);
  with_parties(counts_right<coir::recursive_mutex>);
  with_parties(counts_right<coir::recursive_timed_mutex>);
}

TEST_P(Mutex, TryLockFailsWhileItIsHeldAndNeverWaits) {
  with_parties([](parties& all) {
    coir::mutex m;
    ASSERT_TRUE(m.try_lock());
    all.start([&] { EXPECT_FALSE(m.try_lock()); });
    all.join();
    m.unlock();
    all.start([&] {
      EXPECT_TRUE(m.try_lock());
      m.unlock();
    });
    all.join();
    std::lock_guard guard(at_program_start);
  });
}

TEST_P(Mutex, TheHolderThatLocksAgainIsToldOfTheDeadlock) {
  with_parties([](parties&) {
    coir::mutex m;
    std::lock_guard guard(m);
    EXPECT_FALSE(m.try_lock());
    try {
      m.lock();
      FAIL() << "locked twice";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::resource_deadlock_would_occur);
    }
  });
}

TEST_P(Mutex, TheHolderOfATimedOneGivesUpInTime) {
  with_parties([](parties&) {
    coir::timed_mutex m;
    std::lock_guard guard(m);
    EXPECT_FALSE(m.try_lock_for(1ms));
  });
}

TEST(Mutex, EachIsItsOwnNativeHandle) {
  coir::mutex m;
  coir::timed_mutex::native_handle_type none = nullptr;
  EXPECT_EQ(m.native_handle(), &m);
  EXPECT_EQ(none, nullptr);
}

TEST_P(Mutex, ItMayBeDestroyedByTheLastThatUnlocks) {
  struct counted {
    coir::mutex m;
    int users = 2;
    static void drop(counted* self) {
      self->m.lock();
      bool last = --self->users == 0;
      self->m.unlock();
      if (last) delete self;
    }
  };
  with_parties([](parties& all) {
    for (int i = 0; i < 300; ++i) {
      auto* shared = new counted;
      all.start([=] { counted::drop(shared); });
      counted::drop(shared);
    }
  });
}

TEST_P(Mutex, ATimedOneGivesUpInTime) {
  with_parties([](parties& all) {
    coir::timed_mutex m;
    m.lock();
    all.start([&] {
      EXPECT_FALSE(m.try_lock());
      EXPECT_FALSE(m.try_lock_for(-1s));
      auto end = std::chrono::steady_clock::now() + 1ms;
      EXPECT_FALSE(m.try_lock_until(end));
      EXPECT_GE(std::chrono::steady_clock::now(), end);
      EXPECT_FALSE(m.try_lock_until(std::chrono::system_clock::now() + 1ms));
      EXPECT_FALSE(m.try_lock_for(1ms));
    });
    all.join();
    m.unlock();
    all.start([&] {
      EXPECT_TRUE(m.try_lock_for(0s));
      m.unlock();
      std::unique_lock lock(m, 1h);
      EXPECT_TRUE(lock.owns_lock());
    });
    all.join();
  });
}

TEST_P(Mutex, ATimedOneIsLockedWhenItComesFree) {
  with_parties([](parties& all) {
    coir::timed_mutex m;
    m.lock();
    std::atomic<int> locked{0};
    for (int i = 0; i < 3; ++i)
      all.start([&] {
        ASSERT_TRUE(m.try_lock_for(1h));
        ++locked;
        m.unlock();
      });
    for (int i = 0; i < 3; ++i) coir::this_fiber::yield();
    m.unlock();
    all.join();
    EXPECT_EQ(locked, 3);
  });
}

template <class M>
void nests(parties& all) {
  M m;
  m.lock();
  EXPECT_TRUE(m.try_lock());
  m.lock();
  all.start([&] { EXPECT_FALSE(m.try_lock()); });
  all.join();
  m.unlock();
  m.unlock();
  all.start([&] { EXPECT_FALSE(m.try_lock()); });
  all.join();
  m.unlock();
  all.start([&] {
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
  all.join();
}

TEST_P(Mutex, ARecursiveOneIsUnlockedAsOftenAsItWasLocked) {
  with_parties(nests<coir::recursive_mutex>);
  with_parties(nests<coir::recursive_timed_mutex>);
}

TEST_P(Mutex, ARecursiveTimedOneNestsAndGivesUp) {
  with_parties([](parties& all) {
    coir::recursive_timed_mutex m;
    ASSERT_TRUE(m.try_lock_for(1s));
    ASSERT_TRUE(m.try_lock_until(std::chrono::steady_clock::now()));
    all.start([&] { EXPECT_FALSE(m.try_lock_for(1ms)); });
    all.join();
    m.unlock();
    m.unlock();
  });
}

TEST_P(Mutex, TheStandardsLocksTakeSeveralWithoutDeadlock) {
  with_parties([](parties& all) {
    coir::mutex a, b;
    coir::recursive_mutex c;
    int count = 0;
    for (int i = 0; i < 6; ++i)
      all.start([&, i] {
        for (int turn = 0; turn < 50; ++turn) {
          if (i % 2 == 0) {
            coir::scoped_lock all_three(a, b, c);
            coir::this_fiber::yield();
            ++count;
          } else {
            coir::unique_lock first(c, coir::defer_lock);
            coir::unique_lock second(b, coir::defer_lock);
            coir::unique_lock third(a, coir::defer_lock);
            coir::lock(first, second, third);
            ++count;
          }
        }
      });
    all.join();
    EXPECT_EQ(count, 300);
    EXPECT_EQ(coir::try_lock(a, b), -1);
    a.unlock();
    b.unlock();
  });
}

TEST_P(Mutex, AFiberHoldsItAcrossMoves) {
  with_parties([](parties& all) {
    coir::mutex m;
    for (int i = 0; i < 8; ++i)
      all.start([&] {
        for (int turn = 0; turn < 50; ++turn) {
          m.lock();
          coir::this_fiber::yield();
          EXPECT_FALSE(m.try_lock());
          m.unlock();
        }
      });
    all.join();
  });
}

// One that locks and unlocks in a loop keeps the mutex while others wait: no switch per turn.
// On one worker, where who unlocks is behind who tries.
TEST(MutexOrder, WhoTriesInALoopLetsOthersUnlock) {
  coir::run([] {
    coir::mutex m;
    coir::shared_mutex shared;
    coir::semaphore permits{0};
    std::scoped_lock both(m, shared);
    auto t = coir::spawn([&] {
      while (!permits.try_acquire()) {
      }
      while (!m.try_lock()) {
      }
      m.unlock();
      while (!shared.try_lock_shared()) {
      }
      shared.unlock_shared();
    });
    coir::this_fiber::yield();
    permits.release();
    coir::this_fiber::yield();
    m.unlock();
    coir::this_fiber::yield();
    shared.unlock();
    t.join();
    m.lock();
    shared.lock();
  });
}

TEST(MutexOrder, ThereIsNoConvoy) {
  coir::run([] {
    coir::mutex m;
    bool end = false;
    int others = 0;
    m.lock();
    std::vector<coir::task<void>> tasks;
    for (int i = 0; i < 4; ++i)
      tasks.push_back(coir::spawn([&] {
        while (!end) {
          std::lock_guard guard(m);
          ++others;
          coir::this_fiber::yield();
        }
      }));
    coir::this_fiber::yield();
    m.unlock();
    for (int i = 0; i < 10'000; ++i) {
      std::lock_guard guard(m);
      EXPECT_EQ(others, 0);
    }
    end = true;
    for (auto& task : tasks) task.join();
  });
}

// Each fiber keeps the mutex through a switch and takes it again at once, so those that are woken
// always find it taken; that ends after a few times.
TEST(MutexOrder, OneThatWaitsIsPassedOverAFewTimesOnly) {
  coir::run([] {
    coir::mutex m;
    bool end = false;
    int since = 0, most = 0, got = 0;
    auto hog = coir::spawn([&] {
      while (!end) {
        m.lock();
        ++since;
        coir::this_fiber::yield();
        m.unlock();
        if (since > 1000) coir::this_fiber::yield();  // that will do to fail
      }
    });
    for (int turn = 0; turn < 100; ++turn) {
      since = 0;
      coir::this_fiber::yield();
      m.lock();
      most = std::max(most, since);
      ++got;
      m.unlock();
    }
    end = true;
    hog.join();
    EXPECT_EQ(got, 100);
    EXPECT_LE(most, 8);
  });
}

TEST(MutexCancellation, LockingIsNoCancellationPoint) {
  int locked = 0, told = 0;
  coir::mutex m;
  coir::run([&] {
    coir::spawn([&] {
      std::lock_guard guard(m);
      EXPECT_THROW(coir::this_fiber::sleep_for(1h), coir::cancelled);
      // By now the others have been asked to end, too, and wait on.
      for (int i = 0; i < 3; ++i) coir::this_fiber::yield();
      EXPECT_EQ(locked, 0);
    });
    for (int i = 0; i < 3; ++i)
      coir::spawn([&] {
        m.lock();
        ++locked;
        m.unlock();
        EXPECT_THROW(coir::this_fiber::cancellation_point(), coir::cancelled);
        ++told;
      });
    coir::this_fiber::yield();
  });
  EXPECT_EQ(locked, 3);
  EXPECT_EQ(told, 3);
}

using MutexDeadlock = coir_test::deadlock_test;
TEST_F(MutexDeadlock, TwoThatWaitForEachOtherAreTold) {
  coir::mutex a, b;
  int told = 0;
  auto both = [&](coir::mutex& first, coir::mutex& second) {
    std::lock_guard holds(first);
    coir::this_fiber::yield();
    try {
      std::lock_guard wants(second);
    } catch (const coir::deadlock&) {
      ++told;
      throw;
    }
  };
  coir::run([&] {
    auto one = coir::spawn([&] { both(a, b); });
    auto other = coir::spawn([&] { both(b, a); });
    EXPECT_THROW(one.get(), coir::deadlock);
    EXPECT_THROW(other.get(), coir::deadlock);
  });
  EXPECT_EQ(told, 2);
  EXPECT_EQ(coir::try_lock(a, b), -1);
  a.unlock();
  b.unlock();
}

}  // namespace
