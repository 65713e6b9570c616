// queue_join_test.cpp - items are marked as done, and the queue is waited for and shut down.
// SPDX-License-Identifier: BSL-1.0
#include <coir/queue.hpp>

#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/parties.hpp"
#include "support/queues.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;
using coir_test::with_each_queue;

class QueueJoin : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, QueueJoin, coir_test::every_kind(), coir_test::name_of_kind);

class QueueShutdown : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, QueueShutdown, coir_test::every_kind(), coir_test::name_of_kind);

template <class Q>
void expect_shut(Q& q) {
  EXPECT_THROW(q.put(1), coir::queue_shutdown);
  EXPECT_THROW(q.try_put(1), coir::queue_shutdown);
  EXPECT_THROW(q.put_for(1, 1h), coir::queue_shutdown);
  EXPECT_THROW(q.put_until(1, std::chrono::system_clock::now() + 1h), coir::queue_shutdown);
}

template <class Q>
void expect_drained(Q& q) {
  EXPECT_THROW(q.get(), coir::queue_shutdown);
  EXPECT_THROW(q.try_get(), coir::queue_shutdown);
  EXPECT_THROW(q.get_for(1h), coir::queue_shutdown);
  EXPECT_THROW(q.get_until(std::chrono::system_clock::now() + 1h), coir::queue_shutdown);
}

TEST_P(QueueJoin, AQueueWithoutItemsNeedNotBeWaitedFor) {
  with_parties([](parties&) {
    with_each_queue<int>(0, [](auto& q) {
      q.join();
      q.join();
      q.put(1);
      q.task_done();  // before it was got: counted all the same
      q.join();
      EXPECT_EQ(q.get(), 1);
    });
  });
}

TEST_P(QueueJoin, AllWhoWaitGoOnWhenTheLastItemIsDone) {
  with_parties([](parties& all) {
    with_each_queue<int>(0, [&](auto& q) {
      for (int i = 0; i < 3; ++i) q.put(i);
      std::atomic<bool> done{false};
      std::atomic<int> joined{0};
      for (int i = 0; i < 4; ++i) {
        all.start([&] {
          q.join();
          EXPECT_TRUE(done);
          ++joined;
        });
      }
      for (int i = 0; i < 3; ++i) {
        q.get();
        for (int n = 0; n < 5; ++n) coir::this_fiber::yield();
        EXPECT_EQ(joined, 0);
        if (i == 2) done = true;
        q.task_done();
      }
      all.join();
      EXPECT_EQ(joined, 4);
    });
  });
}

TEST_P(QueueJoin, WorkersTakeWorkUntilItIsDone) {
  with_parties([](parties& all) {
    with_each_queue<int>(5, [&](auto& q) {
      std::atomic<int> sum{0};
      for (int w = 0; w < 3; ++w) {
        all.start([&] {
          try {
            while (true) {
              int item = q.get();
              coir::this_fiber::yield();
              sum += item;
              q.task_done();
            }
          } catch (const coir::queue_shutdown&) {
          }
        });
      }
      for (int i = 0; i < 100; ++i) q.put(i);
      q.join();
      EXPECT_EQ(sum, 4950);
      for (int i = 0; i < 100; ++i) q.put(1);
      q.join();
      EXPECT_EQ(sum, 5050);
      q.shutdown();
      all.join();
    });
  });
}

TEST_P(QueueJoin, TheQueueMayGoWhenJoinHasReturned) {
  with_parties([](parties& all) {
    for (int i = 0; i < 200; ++i) {
      auto q = std::make_unique<coir::queue<int>>();
      q->put(i);
      all.start([raw = q.get()] {
        raw->get();
        raw->task_done();
      });
      q->join();
      q.reset();
      all.join();
    }
  });
}

TEST_P(QueueJoin, DoingMoreThanWasPutIsAnError) {
  with_parties([](parties&) {
    with_each_queue<int>(0, [](auto& q) {
      EXPECT_THROW(q.task_done(), std::logic_error);
      q.put(1);
      q.get();
      q.task_done();
      EXPECT_THROW(q.task_done(), std::logic_error);
    });
  });
}

TEST_P(QueueShutdown, AnEmptyQueueThrowsAtAllWhoComeAndWait) {
  with_parties([](parties& all) {
    with_each_queue<int>(0, [&](auto& q) {
      std::atomic<int> refused{0};
      for (int i = 0; i < 4; ++i) {
        all.start([&] {
          EXPECT_THROW(q.get(), coir::queue_shutdown);
          ++refused;
        });
        all.start([&] {
          EXPECT_THROW(q.get_for(1h), coir::queue_shutdown);
          ++refused;
        });
      }
      for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
      EXPECT_EQ(refused, 0);
      q.shutdown();
      q.shutdown();
      all.join();
      EXPECT_EQ(refused, 8);
      expect_shut(q);
      expect_drained(q);
      q.join();
    });
  });
}

TEST_P(QueueShutdown, WhatIsInItIsStillGot) {
  with_parties([](parties& all) {
    with_each_queue<int>(3, [&](auto& q) {
      for (int i = 0; i < 3; ++i) q.put(7);
      std::atomic<int> refused{0};
      for (int i = 0; i < 3; ++i) {
        all.start([&] {
          EXPECT_THROW(q.put(8), coir::queue_shutdown);
          ++refused;
        });
      }
      std::atomic<bool> joined{false};
      all.start([&] {
        q.join();
        joined = true;
      });
      for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
      q.shutdown();
      coir_test::until([&] { return refused == 3; });
      expect_shut(q);
      EXPECT_EQ(q.size(), 3U);
      EXPECT_EQ(q.get(), 7);
      EXPECT_EQ(q.try_get(), 7);
      EXPECT_EQ(q.get_for(1h), 7);
      expect_drained(q);
      for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(joined);
        q.task_done();
      }
      all.join();
      EXPECT_THROW(q.task_done(), std::logic_error);
    });
  });
}

TEST_P(QueueShutdown, AtOnceMeansThatItsItemsAreDroppedAndDone) {
  with_parties([](parties& all) {
    with_each_queue<std::shared_ptr<int>>(0, [&](auto& q) {
      auto token = std::make_shared<int>(1);
      for (int i = 0; i < 5; ++i) q.put(token);
      EXPECT_EQ(q.get(), token);
      std::atomic<bool> joined{false};
      all.start([&] {
        q.join();
        joined = true;
      });
      for (int i = 0; i < 5; ++i) coir::this_fiber::yield();
      q.shutdown(true);
      EXPECT_EQ(token.use_count(), 1);
      EXPECT_TRUE(q.empty());
      EXPECT_THROW(q.get(), coir::queue_shutdown);
      EXPECT_THROW(q.put(token), coir::queue_shutdown);
      EXPECT_FALSE(joined) << "one is still worked on";
      q.task_done();
      all.join();
      EXPECT_THROW(q.task_done(), std::logic_error);
    });
  });
}

TEST_P(QueueShutdown, AnOrderlyOneMayBeFollowedByOneAtOnce) {
  with_parties([](parties&) {
    with_each_queue<int>(0, [](auto& q) {
      q.put(1);
      q.put(2);
      q.shutdown();
      EXPECT_EQ(q.size(), 2U);
      q.shutdown(true);
      q.shutdown();
      EXPECT_EQ(q.size(), 0U);
      q.join();
      expect_drained(q);
      expect_shut(q);
    });
  });
}

// Its move waits until it is let go on, so that a put is caught on its way in.
struct slow {
  explicit slow(int from) noexcept : value(from) {}
  slow(slow&& other) noexcept : value(other.value), gate(std::exchange(other.gate, nullptr)) {
    if (gate == nullptr) return;
    *moving = true;
    std::exchange(gate, nullptr)->wait();
  }
  friend bool operator<(const slow& a, const slow& b) { return a.value < b.value; }

  static inline std::atomic<bool>* moving = nullptr;
  int value;
  coir::event* gate = nullptr;
};

TEST_P(QueueShutdown, APutOnItsWayInIsWaitedFor) {
  with_parties([](parties& all) {
    with_each_queue<slow>(1, [&](auto& q) {
      coir::event gate;
      std::atomic<bool> moving{false};
      std::atomic<int> got{0};
      slow::moving = &moving;
      all.start([&] {
        slow item(5);
        item.gate = &gate;
        q.put(std::move(item));
      });
      coir_test::until([&] { return moving.load(); });
      EXPECT_TRUE(q.full());
      EXPECT_TRUE(q.empty());
      EXPECT_FALSE(q.try_get().has_value());
      for (int i = 0; i < 3; ++i) {
        all.start([&] {
          try {
            got += q.get().value;
          } catch (const coir::queue_shutdown&) {
            got += 100;
          }
        });
      }
      q.shutdown();
      for (int i = 0; i < 20; ++i) coir::this_fiber::yield();
      EXPECT_EQ(got, 0);
      gate.set();
      all.join();
      EXPECT_EQ(got, 205);
    });
  });
}

TEST_P(QueueShutdown, APutOnItsWayIntoOneThatIsEmptiedAtOnceIsDropped) {
  with_parties([](parties& all) {
    with_each_queue<slow>(1, [&](auto& q) {
      // A priority_queue is emptied once the put is through.
      constexpr bool waits = std::is_same_v<decltype(q), coir::priority_queue<slow>&>;
      coir::event gate;
      std::atomic<bool> moving{false};
      slow::moving = &moving;
      all.start([&] {
        slow item(5);
        item.gate = &gate;
        q.put(std::move(item));
      });
      coir_test::until([&] { return moving.load(); });
      std::atomic<bool> shut{false};
      all.start([&] {
        q.shutdown(true);
        shut = true;
      });
      if (!waits) {
        coir_test::until([&] { return shut.load(); });
        EXPECT_THROW(q.get(), coir::queue_shutdown);
      }
      gate.set();
      all.join();
      EXPECT_TRUE(q.empty());
      EXPECT_THROW(q.get(), coir::queue_shutdown);
      q.join();
    });
  });
}

TEST(QueueShutdownPromise, AnItemThatWasHandedOverIsNotDropped) {
  coir::run([] {
    coir::queue<int> q;
    auto getter = coir::spawn([&] { return q.get(); });
    coir::this_fiber::yield();
    q.put(1);
    q.shutdown(true);
    EXPECT_EQ(getter.get(), 1);
    q.task_done();
    q.join();
  });
}

TEST(QueueShutdownPromise, OneThatWasWokenForAnItemThatIsDroppedIsRefused) {
  auto check = [](auto& q) {
    coir::run([&] {
      auto getter = coir::spawn([&] { return q.get(); });
      coir::this_fiber::yield();
      q.put(1);
      q.shutdown(true);
      EXPECT_THROW(getter.get(), coir::queue_shutdown);
      q.join();
      EXPECT_THROW(q.task_done(), std::logic_error);
    });
  };
  coir::lifo_queue<int> last;
  check(last);
  coir::priority_queue<int> least;
  check(least);
}

}  // namespace
