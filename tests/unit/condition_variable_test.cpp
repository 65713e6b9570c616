// condition_variable_test.cpp - no notification is lost, and whoever waits has the lock again.
// SPDX-License-Identifier: BSL-1.0
#include <coir/condition_variable.hpp>

#include <coir/event.hpp>
#include <coir/mutex.hpp>
#include <coir/semaphore.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;
using std::chrono::steady_clock;
using std::chrono::system_clock;

static_assert(std::is_same_v<coir::cv_status, std::cv_status>);
static_assert(!std::is_copy_constructible_v<coir::condition_variable>);
static_assert(!std::is_copy_constructible_v<coir::condition_variable_any>);
constinit coir::condition_variable at_program_start;

// What both kinds promise; `Variable` over a unique_lock of coir::mutex.
template <class Variable>
struct promises {
  static void hands_over(parties& all) {
    coir::mutex m;
    Variable changed;
    int turn = 0;
    all.start([&] {
      for (int i = 0; i < 200; ++i) {
        std::unique_lock lock(m);
        changed.wait(lock, [&] { return turn % 2 == 1; });
        EXPECT_TRUE(lock.owns_lock());
        ++turn;
        changed.notify_one();
      }
    });
    for (int i = 0; i < 200; ++i) {
      std::unique_lock lock(m);
      ++turn;
      changed.notify_one();
      changed.wait(lock, [&] { return turn % 2 == 0; });
    }
    all.join();
    EXPECT_EQ(turn, 400);
  }

  static void wakes_all(parties& all) {
    coir::mutex m;
    Variable changed;
    bool ready = false;
    int awake = 0;
    for (int i = 0; i < 8; ++i)
      all.start([&] {
        std::unique_lock lock(m);
        changed.wait(lock, [&] { return ready; });
        ++awake;
      });
    coir::this_fiber::yield();
    {
      std::lock_guard guard(m);
      ready = true;
    }
    changed.notify_all();
    all.join();
    EXPECT_EQ(awake, 8);
  }

  // Each notify_one() is owed to one that waits.
  static void wakes_one_each(parties& all) {
    coir::mutex m;
    Variable changed;
    int permits = 0, served = 0;
    for (int i = 0; i < 8; ++i)
      all.start([&] {
        std::unique_lock lock(m);
        while (permits == 0) changed.wait(lock);
        --permits;
        ++served;
      });
    for (int i = 0; i < 8; ++i) {
      std::lock_guard guard(m);
      ++permits;
      changed.notify_one();
    }
    all.join();
    EXPECT_EQ(served, 8);
  }

  static void times_out(parties&) {
    coir::mutex m;
    Variable never;
    std::unique_lock lock(m);
    EXPECT_EQ(never.wait_for(lock, 1ms), coir::cv_status::timeout);
    EXPECT_TRUE(lock.owns_lock());
    EXPECT_EQ(never.wait_for(lock, -1s), coir::cv_status::timeout);
    auto end = steady_clock::now() + 1ms;
    EXPECT_EQ(never.wait_until(lock, end), coir::cv_status::timeout);
    EXPECT_GE(steady_clock::now(), end);
    EXPECT_FALSE(never.wait_for(lock, 1ms, [] { return false; }));
    EXPECT_TRUE(never.wait_for(lock, 1h, [] { return true; }));
    EXPECT_FALSE(never.wait_until(lock, system_clock::now() + 1ms, [] { return false; }));
    EXPECT_TRUE(never.wait_until(lock, steady_clock::now(), [] { return true; }));
    EXPECT_FALSE(m.try_lock());
    never.notify_one();
    never.notify_all();
  }

  static void is_in_time(parties& all) {
    coir::mutex m;
    Variable changed;
    bool ready = false;
    all.start([&] {
      std::lock_guard guard(m);
      ready = true;
      changed.notify_all();
    });
    {
      std::unique_lock lock(m);
      EXPECT_TRUE(changed.wait_for(lock, 1h, [&] { return ready; }));
      EXPECT_TRUE(changed.wait_until(lock, steady_clock::now() + 1h, [&] { return ready; }));
    }
    all.join();
  }

  // All have been notified when it goes, and have not all returned; some give up at that moment.
  static void goes_after_notify(parties& all) {
    for (int i = 0; i < 100; ++i) {
      coir::mutex m;
      auto variable = std::make_unique<Variable>();
      int waiting = 0;
      bool ready = false;
      for (int j = 0; j < 3; ++j)
        all.start([&, j, raw = variable.get()] {
          std::unique_lock lock(m);
          ++waiting;
          if (j == 0) {
            if (!ready) raw->wait_for(lock, 20us);
          } else {
            while (!ready) raw->wait(lock);
          }
        });
      coir_test::until([&] {
        std::lock_guard guard(m);
        return waiting == 3;
      });
      {
        std::lock_guard guard(m);
        ready = true;
        variable->notify_all();
        variable.reset();
      }
      all.join();
    }
  }
};

using plain = promises<coir::condition_variable>;
using any = promises<coir::condition_variable_any>;

class Condition : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Condition, coir_test::every_kind(), coir_test::name_of_kind);

TEST_P(Condition, NotifyOneWakesTheOneThatWaits) {
  with_parties(plain::hands_over);
  with_parties(any::hands_over);
}

TEST_P(Condition, NotifyAllWakesAll) {
  with_parties(plain::wakes_all);
  with_parties(any::wakes_all);
}

TEST_P(Condition, EachNotifyOneIsOwedToOneThatWaits) {
  with_parties(plain::wakes_one_each);
  with_parties(any::wakes_one_each);
}

TEST_P(Condition, ATimedWaitGivesUpWithTheLock) {
  with_parties(plain::times_out);
  with_parties(any::times_out);
}

TEST_P(Condition, ATimedWaitThatIsNotifiedIsInTime) {
  with_parties(plain::is_in_time);
  with_parties(any::is_in_time);
}

TEST_P(Condition, ItMayBeDestroyedOnceAllAreNotified) {
  with_parties(plain::goes_after_notify);
  with_parties(any::goes_after_notify);
}

TEST_P(Condition, ItIsRefusedWithoutTheLock) {
  with_parties([](parties&) {
    coir::mutex m;
    coir::condition_variable c;
    std::unique_lock lock(m, std::defer_lock);
    try {
      c.wait(lock);
      FAIL() << "waited without the lock";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::operation_not_permitted);
    }
  });
}

TEST_P(Condition, AnyLockWillDo) {
  struct own_lock {
    coir::binary_semaphore free{1};
    void lock() { free.acquire(); }
    void unlock() { free.release(); }
  };
  with_parties([](parties& all) {
    own_lock l;
    coir::recursive_mutex r;
    coir::condition_variable_any changed;
    int stage = 0;
    all.start([&] {
      std::unique_lock lock(l);
      changed.wait(lock, [&] { return stage == 1; });
      std::unique_lock other(r);
      ++stage;
    });
    {
      std::lock_guard guard(l);
      stage = 1;
    }
    changed.notify_one();
    all.join();
    EXPECT_EQ(stage, 2);
    EXPECT_EQ((std::unique_lock(r), changed.wait_for(r, 1ms)), coir::cv_status::timeout);
  });
}

TEST_P(Condition, ARequestToStopEndsTheWait) {
  with_parties([](parties& all) {
    coir::mutex m;
    coir::condition_variable_any never;
    for (int i = 0; i < 100; ++i) {
      std::stop_source source;
      std::atomic<int> ended{0};
      for (int j = 0; j < 3; ++j)
        all.start([&, j] {
          std::unique_lock lock(m);
          auto no = [] { return false; };
          bool result =
              j == 0   ? never.wait(lock, source.get_token(), no)
              : j == 1 ? never.wait_for(lock, source.get_token(), 1h, no)
                       : never.wait_until(lock, source.get_token(), steady_clock::now() + 1h, no);
          EXPECT_FALSE(result);
          EXPECT_TRUE(lock.owns_lock());
          ++ended;
        });
      if (i % 2 == 0) coir::this_fiber::yield();
      source.request_stop();
      all.join();
      EXPECT_EQ(ended, 3);
    }
  });
}

TEST_P(Condition, AStoppableWaitIsAlsoNotifiedAndTimesOut) {
  with_parties([](parties& all) {
    coir::mutex m;
    coir::condition_variable_any changed;
    bool ready = false;
    std::stop_source source;
    all.start([&] {
      std::lock_guard guard(m);
      ready = true;
      changed.notify_all();
    });
    {
      std::unique_lock lock(m);
      EXPECT_TRUE(changed.wait(lock, source.get_token(), [&] { return ready; }));
      EXPECT_FALSE(changed.wait_for(lock, source.get_token(), 1ms, [] { return false; }));
      EXPECT_FALSE(changed.wait_until(lock, source.get_token(), steady_clock::now() + 1ms,
                                      [] { return false; }));
      EXPECT_TRUE(changed.wait(lock, std::stop_token(), [&] { return ready; }));
      source.request_stop();
      EXPECT_TRUE(changed.wait(lock, source.get_token(), [] { return true; }));
    }
    all.join();
  });
}

template <class Variable>
void is_cancelled_with_the_lock() {
  coir::mutex m;
  Variable never;
  int told = 0;
  coir::run([&] {
    for (int i = 0; i < 3; ++i)
      coir::spawn([&] {
        std::unique_lock lock(m);
        try {
          never.wait(lock);
        } catch (const coir::cancelled&) {
          EXPECT_FALSE(m.try_lock());
          ++told;
          throw;
        }
      });
    coir::this_fiber::yield();
  });
  EXPECT_EQ(told, 3);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST(ConditionCancellation, ACancelledWaitThrowsWithTheLock) {
  is_cancelled_with_the_lock<coir::condition_variable>();
  is_cancelled_with_the_lock<coir::condition_variable_any>();
}

TEST(ConditionOrder, TheOneThatWaitsLongestIsNotifiedFirst) {
  coir::run([] {
    coir::mutex m;
    coir::condition_variable c;
    std::vector<int> order;
    std::vector<coir::task<void>> tasks;
    for (int i = 0; i < 4; ++i)
      tasks.push_back(coir::spawn([&, i] {
        std::unique_lock lock(m);
        c.wait(lock);
        order.push_back(i);
      }));
    coir::this_fiber::yield();
    for (int i = 0; i < 4; ++i) {
      c.notify_one();
      coir::this_fiber::yield();
    }
    for (auto& t : tasks) t.join();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
  });
}

template <class Variable>
void is_told_with_the_lock() {
  coir::mutex m;
  Variable never;
  coir::run([&] {
    std::unique_lock lock(m);
    EXPECT_THROW(never.wait(lock), coir::deadlock);
    EXPECT_TRUE(lock.owns_lock());
    EXPECT_FALSE(m.try_lock());
  });
}

using ConditionDeadlock = coir_test::deadlock_test;
TEST_F(ConditionDeadlock, AWaitThatNobodyCanEndThrowsWithTheLock) {
  is_told_with_the_lock<coir::condition_variable>();
  is_told_with_the_lock<coir::condition_variable_any>();
}

}  // namespace
