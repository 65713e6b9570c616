// cancel_effect_test.cpp - a wait that is cancelled has no effect, one that succeeds has all.
// SPDX-License-Identifier: BSL-1.0
#include <coir/call_once.hpp>
#include <coir/cancelled.hpp>
#include <coir/channel.hpp>
#include <coir/condition_variable.hpp>
#include <coir/condition_variable_any.hpp>
#include <coir/event.hpp>
#include <coir/latch.hpp>
#include <coir/mutex.hpp>
#include <coir/select.hpp>
#include <coir/semaphore.hpp>
#include <coir/shared_mutex.hpp>
#include <coir/spawn.hpp>
#include <coir/uncancellable.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "support/virtual_run.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;

class CancelEffectTest : public coir_test::virtual_run_test {};
INSTANTIATE_TEST_SUITE_P(Workers, CancelEffectTest, coir_test::one_and_four_workers());

TEST_P(CancelEffectTest, AWaitThatHasSucceededReturnsAndTheRequestStays) {
  auto succeeds = [&](auto wait, auto succeed) {
    run([&] {
      bool returned = false;
      auto t = coir::spawn([&] {
        wait();
        returned = true;
        sleep_for(24h);
      });
      settle();
      succeed();
      t.cancel();
      t.join();
      EXPECT_TRUE(returned);
      EXPECT_TRUE(t.cancelled());
    });
  };
  {
    coir::event e;
    succeeds([&] { e.wait(); }, [&] { e.set(); });
  }
  {
    coir::semaphore s{0};
    succeeds([&] { s.acquire(); }, [&] { s.release(); });
    EXPECT_FALSE(s.try_acquire());
  }
  {
    coir::channel<int> ch{0};
    succeeds([&] { EXPECT_EQ(ch.receive(), 4); }, [&] { ch.send(4); });
    succeeds([&] { ch.send(5); }, [&] { EXPECT_EQ(ch.receive(), 5); });
    succeeds([&] { coir::select(coir::on_receive(ch, [](auto v) { EXPECT_EQ(v, 6); })); },
             [&] { ch.send(6); });
  }
  {
    coir::latch l{1};
    succeeds([&] { l.wait(); }, [&] { l.count_down(); });
  }
  {
    coir::mutex m;
    coir::condition_variable cv;
    succeeds(
        [&] {
          std::unique_lock lock(m);
          cv.wait(lock);
        },
        [&] {
          std::lock_guard lock(m);
          cv.notify_one();
        });
  }
}

TEST_P(CancelEffectTest, ACancelledReceiveLosesNoValue) {
  run([&] {
    coir::channel<int> ch{1};
    auto t = coir::spawn([&] { return ch.receive(); });
    settle();
    t.cancel();
    ch.send(7);
    t.join();
    // On one worker its wait has been decided at once; from another the value may come first.
    if (GetParam() == 1) {
      EXPECT_TRUE(t.cancelled());
    }
    EXPECT_EQ(t.cancelled() ? ch.try_receive().value() : t.get().value(), 7);
  });
}

TEST_P(CancelEffectTest, ACancelledAcquireLosesNoPermit) {
  run([&] {
    coir::semaphore s{0};
    auto t = coir::spawn([&] { s.acquire(); });
    settle();
    t.cancel();
    s.release();
    t.join();
    if (GetParam() == 1) {
      EXPECT_TRUE(t.cancelled());
    }
    EXPECT_EQ(s.try_acquire(), t.cancelled());
  });
}

TEST_P(CancelEffectTest, ACancelledSendHasNotMovedFromItsArgument) {
  run([] {
    for (std::size_t capacity : {0U, 1U}) {
      coir::channel<std::unique_ptr<int>> ch{capacity};
      if (capacity == 1) ch.send(nullptr);
      auto kept = std::make_unique<int>(8);
      auto also = std::make_unique<int>(9);
      auto t = coir::spawn([&] { ch.send(std::move(kept)); });
      auto u = coir::spawn([&] { coir::select(coir::on_send(ch, std::move(also), [] {})); });
      settle();
      t.cancel();
      u.cancel();
      t.join();
      u.join();
      ASSERT_TRUE(kept != nullptr && also != nullptr);
      EXPECT_EQ(*kept + *also, 17);
    }
  });
}

TEST_P(CancelEffectTest, LockingAMutexIsNoCancellationPoint) {
  auto locks = [&](auto& m, auto lock, auto unlock) {
    run([&] {
      bool locked = false;
      m.lock();
      auto t = coir::spawn([&] {
        lock(m);
        locked = true;
        unlock(m);
        sleep_for(1h);
      });
      settle();
      t.cancel();
      settle();
      t.cancel();
      settle();
      EXPECT_FALSE(t.done());
      m.unlock();
      t.join();
      EXPECT_TRUE(locked);
      EXPECT_TRUE(t.cancelled());
      EXPECT_TRUE(m.try_lock());
      m.unlock();
    });
  };
  coir::mutex m;
  locks(
      m, [](auto& one) { one.lock(); }, [](auto& one) { one.unlock(); });
  coir::recursive_mutex r;
  locks(
      r, [](auto& one) { one.lock(); }, [](auto& one) { one.unlock(); });
  coir::shared_mutex s;
  locks(
      s, [](auto& one) { one.lock(); }, [](auto& one) { one.unlock(); });
  locks(
      s, [](auto& one) { one.lock_shared(); }, [](auto& one) { one.unlock_shared(); });
  coir::timed_mutex timed;
  locks(
      timed, [](auto& one) { EXPECT_TRUE(one.try_lock_for(1h)); }, [](auto& one) { one.unlock(); });
}

// A lock that is given back by way of a wait, as one over a network is.
struct slow_lock {
  void lock() { held.acquire(); }
  void unlock() {
    coir::uncancellable meanwhile;
    if (slow) gate.wait();
    held.release();
  }
  coir::semaphore held{1};
  coir::event gate;
  bool slow = false;
};

TEST_P(CancelEffectTest, AConditionVariableAnyTellsWhatCameWhileItsLockWasUnlocked) {
  run([] {
    slow_lock lock;
    coir::condition_variable_any cv;
    bool locked_again = false;
    auto t = coir::spawn([&] {
      lock.lock();
      lock.slow = true;
      try {
        cv.wait(lock);
      } catch (const coir::cancelled&) {
        locked_again = !lock.held.try_acquire();
        lock.slow = false;
        lock.unlock();
        throw;
      }
    });
    settle();
    t.cancel();
    settle();
    lock.gate.set();
    settle();
    EXPECT_TRUE(t.done());
    if (!t.done()) cv.notify_all();
    t.join();
    EXPECT_TRUE(t.cancelled());
    EXPECT_TRUE(locked_again);
  });
}

TEST_P(CancelEffectTest, ANotificationThatCameWhileTheLockWasUnlockedIsNotLostToACancellation) {
  run([] {
    slow_lock lock;
    coir::condition_variable_any cv;
    bool notified = false;
    auto t = coir::spawn([&] {
      lock.lock();
      lock.slow = true;
      cv.wait(lock);
      notified = true;
      lock.slow = false;
      lock.unlock();
      sleep_for(1h);
    });
    settle();
    cv.notify_one();
    t.cancel();
    lock.gate.set();
    t.join();
    EXPECT_TRUE(notified);
    EXPECT_TRUE(t.cancelled());
  });
}

TEST_P(CancelEffectTest, OneThatWaitsForAnothersCallOnceLeavesAndTheCallIsMade) {
  run([] {
    coir::once_flag flag;
    coir::event go_on;
    int calls = 0;
    auto caller = coir::spawn([&] {
      coir::call_once(flag, [&] {
        go_on.wait();
        ++calls;
      });
    });
    settle();
    auto t = coir::spawn([&] { coir::call_once(flag, [&] { ++calls; }); });
    settle();
    t.cancel();
    t.join();
    EXPECT_TRUE(t.cancelled());
    go_on.set();
    caller.get();
    EXPECT_EQ(calls, 1);
  });
}

}  // namespace
