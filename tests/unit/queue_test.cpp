// queue_test.cpp - items pass from those who put to those who get, and are marked as done.
// SPDX-License-Identifier: BSL-1.0
#include <coir/queue.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/parties.hpp"
#include "support/queues.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;
using coir_test::with_each_queue;

class Queue : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Queue, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(!std::is_copy_constructible_v<coir::queue<int>>);
static_assert(!std::is_move_constructible_v<coir::priority_queue<int>>);
static_assert(std::is_base_of_v<std::runtime_error, coir::queue_shutdown>);
static_assert(std::is_same_v<decltype(std::declval<coir::queue<int>&>().get()), int>);
static_assert(
    std::is_same_v<decltype(std::declval<coir::lifo_queue<int>&>().try_get()), std::optional<int>>);

constexpr std::size_t limits[] = {0, 1, 2, 3, 16};

TEST_P(Queue, ItemsComeOutInTheOrderInWhichTheyWerePut) {
  with_parties([](parties& all) {
    for (std::size_t maxsize : limits) {
      coir::queue<int> q(maxsize);
      all.start([&] {
        for (int i = 0; i < 1000; ++i) q.put(i);
      });
      all.start([&] {
        for (int i = 0; i < 1000; ++i) ASSERT_EQ(q.get(), i);
      });
      all.join();
      EXPECT_TRUE(q.empty());
    }
  });
}

TEST_P(Queue, EachItemOfManyPuttersIsGotOnceByManyGetters) {
  with_parties([](parties& all) {
    constexpr int each = 300;
    for (std::size_t maxsize : limits) {
      with_each_queue<int>(maxsize, [&](auto& q) {
        std::vector<std::atomic<int>> seen(4 * each);
        for (int p = 0; p < 4; ++p) {
          all.start([&, p] {
            for (int i = 0; i < each; ++i) q.put(p * each + i);
          });
          all.start([&] {
            for (int i = 0; i < each; ++i) ++seen[static_cast<std::size_t>(q.get())];
          });
        }
        all.join();
        for (auto& times : seen) ASSERT_EQ(times, 1);
        EXPECT_EQ(q.size(), 0U);
      });
    }
  });
}

TEST_P(Queue, WhatWasDoneBeforeAPutIsSeenAfterTheGet) {
  with_parties([](parties& all) {
    for (std::size_t maxsize : limits) {
      with_each_queue<int*>(maxsize, [&](auto& there) {
        coir::queue<int*> back(maxsize);
        all.start([&] {
          int data = 0;
          for (int i = 0; i < 100; ++i) {
            data = i;
            there.put(&data);
            ASSERT_EQ(back.get(), &data);
            ASSERT_EQ(data, i + 1);
          }
        });
        all.start([&] {
          for (int i = 0; i < 100; ++i) {
            int* data = there.get();
            ASSERT_EQ(*data, i);
            ++*data;
            back.put(data);
          }
        });
        all.join();
      });
    }
  });
}

TEST_P(Queue, ABoundedQueueIsFullWithAsManyItemsAsItMayHold) {
  with_parties([](parties&) {
    for (std::size_t maxsize : {1U, 2U, 7U}) {
      with_each_queue<int>(maxsize, [&](auto& q) {
        EXPECT_EQ(q.maxsize(), maxsize);
        EXPECT_TRUE(q.empty());
        for (std::size_t i = 0; i < maxsize; ++i) {
          EXPECT_FALSE(q.full());
          EXPECT_EQ(q.size(), i);
          EXPECT_TRUE(q.try_put(1));
        }
        EXPECT_TRUE(q.full());
        EXPECT_FALSE(q.empty());
        EXPECT_FALSE(q.try_put(1));
        for (std::size_t i = 0; i < maxsize; ++i) EXPECT_EQ(q.try_get(), 1);
        EXPECT_EQ(q.try_get(), std::nullopt);
        EXPECT_FALSE(q.full());
      });
    }
  });
}

TEST(QueueSize, AQueueOfNoSizeHasNoLimit) {
  for (int none : {0, -1, INT32_MIN}) {
    coir::queue<int> q{none};
    coir::lifo_queue<int> l{none};
    coir::priority_queue<int> p{none};
    EXPECT_EQ(q.maxsize() + l.maxsize() + p.maxsize(), 0U);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(q.try_put(i));
    EXPECT_FALSE(q.full());
  }
  struct holder {
    coir::queue<int> q;
    int other;
  };
  holder h{};
  EXPECT_EQ(h.q.maxsize(), 0U);
}

TEST_P(Queue, APutThatDoesNotSucceedHasNotMovedFromItsArgument) {
  with_parties([](parties&) {
    with_each_queue<std::unique_ptr<int>>(1, [](auto& q) {
      q.put(nullptr);
      auto mine = std::make_unique<int>(7);
      EXPECT_FALSE(q.try_put(std::move(mine)));
      EXPECT_FALSE(q.put_for(std::move(mine), 1ns));
      EXPECT_FALSE(q.put_until(std::move(mine), std::chrono::steady_clock::now() + 10us));
      EXPECT_FALSE(q.put_until(std::move(mine), std::chrono::system_clock::now() - 1h));
      q.shutdown();
      EXPECT_THROW(q.try_put(std::move(mine)), coir::queue_shutdown);
      EXPECT_THROW(q.put(std::move(mine)), coir::queue_shutdown);
      EXPECT_THROW(q.put_for(std::move(mine), 1h), coir::queue_shutdown);
      ASSERT_NE(mine, nullptr);
      EXPECT_EQ(*mine, 7);
      EXPECT_EQ(q.get(), nullptr);
    });
  });
}

TEST_P(Queue, AnLvalueIsCopiedAndAnRvalueIsMoved) {
  with_parties([](parties&) {
    with_each_queue<std::shared_ptr<int>>(0, [](auto& q) {
      auto value = std::make_shared<int>(1);
      const auto& constant = value;
      q.put(value);
      q.put(constant);
      EXPECT_TRUE(q.try_put(value));
      EXPECT_TRUE(q.put_for(value, 1s));
      EXPECT_TRUE(q.put_until(value, std::chrono::steady_clock::now() + 1s));
      EXPECT_EQ(value.use_count(), 6);
      EXPECT_EQ(q.get().use_count(), 6);
      q.put(std::move(value));
      EXPECT_EQ(value, nullptr);
    });
  });
}

TEST_P(Queue, AWaitThatTimesOutSaysSoAndLeavesNothingBehind) {
  with_parties([](parties& all) {
    for (std::size_t maxsize : limits) {
      with_each_queue<int>(maxsize, [&](auto& q) {
        EXPECT_EQ(q.get_for(-1h), std::nullopt);
        EXPECT_EQ(q.get_for(0ns), std::nullopt);
        EXPECT_EQ(q.get_for(100us), std::nullopt);
        EXPECT_EQ(q.get_until(std::chrono::steady_clock::now() + 100us), std::nullopt);
        EXPECT_EQ(q.get_until(std::chrono::system_clock::now() + 100us), std::nullopt);
        all.start([&] { q.put(5); });
        EXPECT_EQ(q.get_for(1h), 5);
        all.join();
        if (maxsize == 0) return;
        for (std::size_t i = 0; i < maxsize; ++i) q.put(1);
        EXPECT_FALSE(q.put_for(2, 0ns));
        EXPECT_FALSE(q.put_for(2, 100us));
        EXPECT_EQ(q.size(), maxsize);
        all.start([&] { EXPECT_TRUE(q.put_for(3, 1h)); });
        int sum = 0;
        for (std::size_t i = 0; i <= maxsize; ++i) sum += q.get();
        EXPECT_EQ(sum, static_cast<int>(maxsize) + 3);
        all.join();
      });
    }
  });
}

TEST_P(Queue, TimeoutsThatRaceWithHandOversLoseNothing) {
  with_parties([](parties& all) {
    with_each_queue<int>(2, [&](auto& q) {
      std::atomic<long> in{0};
      std::atomic<long> out{0};
      std::atomic<int> putting{2};
      for (int p = 0; p < 2; ++p) {
        all.start([&] {
          for (int i = 1; i <= 300; ++i)
            if (q.put_for(i, std::chrono::microseconds(i % 7))) in += i;
          if (putting.fetch_sub(1) == 1) q.shutdown();
        });
        all.start([&] {
          try {
            while (true) out += q.get_for(3us).value_or(0);
          } catch (const coir::queue_shutdown&) {
          }
        });
      }
      all.join();
      EXPECT_EQ(in, out);
    });
  });
}

TEST(QueueOrder, WhoWaitsIsServedFirstComeFirstServed) {
  coir::run([] {
    with_each_queue<int>(2, [](auto& q) {
      std::vector<int> order;
      std::vector<coir::task<void>> all;
      for (int i = 0; i < 5; ++i) {
        all.push_back(coir::spawn([&, i] {
          q.get();
          order.push_back(i);
        }));
      }
      coir::this_fiber::yield();
      for (int i = 0; i < 5; ++i) q.put(0);
      for (auto& t : all) t.join();
      EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
      all.clear();
      order.clear();
      for (int i = 0; i < 7; ++i) {
        all.push_back(coir::spawn([&, i] {
          q.put(0);
          order.push_back(i);
        }));
      }
      coir::this_fiber::yield();
      for (int i = 0; i < 7; ++i) q.get();
      for (auto& t : all) t.join();
      EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5, 6}));
    });
  });
}

TEST(QueueOrder, ThoseThatWaitForAQueueGetItsItemsInTheOrderInWhichTheyCame) {
  coir::run(
      [] {
        coir::queue<int> q;
        for (int round = 0; round < 50; ++round) {
          std::vector<coir::task<int>> all;
          for (int i = 0; i < 6; ++i) {
            all.push_back(coir::spawn([&] { return q.get(); }));
            const coir::fiber& last = all.back().target();
            coir_test::until([&] { return last.waiting_for.load() != nullptr; });
          }
          for (int i = 0; i < 6; ++i) q.put(i);
          for (int i = 0; i < 6; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].get(), i);
        }
      },
      {.workers = coir_test::several_workers()});
}

TEST(QueueOrder, WhatIsKeptForOneWhoWaitsNobodyElseTakes) {
  coir::run([] {
    with_each_queue<int>(1, [](auto& q) {
      auto getter = coir::spawn([&] { return q.get(); });
      coir::this_fiber::yield();
      q.put(1);
      EXPECT_EQ(q.try_get(), std::nullopt);
      EXPECT_TRUE(q.empty());
      EXPECT_EQ(getter.get(), 1);
      q.put(2);
      auto putter = coir::spawn([&] { q.put(3); });
      coir::this_fiber::yield();
      EXPECT_EQ(q.get(), 2);
      EXPECT_FALSE(q.try_put(4));
      EXPECT_TRUE(q.full());
      putter.join();
      EXPECT_EQ(q.get(), 3);
    });
  });
}

TEST(QueueOrder, ATimeoutTakesAsLongAsItSaysOnTheVirtualClock) {
  coir_test::virtual_time clock;
  coir::run([] {
    with_each_queue<int>(1, [](auto& q) {
      const coir::deadline start = coir::deadline::now();
      EXPECT_EQ(q.get_for(1h), std::nullopt);
      EXPECT_EQ(coir::deadline::now().nanoseconds() - start.nanoseconds(),
                std::chrono::nanoseconds(1h).count());
      auto late = coir::spawn([&] {
        coir::this_fiber::sleep_for(2h);
        q.put(1);
        q.put(2);
      });
      EXPECT_EQ(q.get_for(1h), std::nullopt);
      EXPECT_EQ(q.get_for(2h), 1);
      late.join();
      EXPECT_FALSE(q.put_for(3, 1h));
      EXPECT_EQ(q.get(), 2);
    });
  });
}

struct alignas(256) wide {
  explicit wide(int from) : value(from) {}
  wide(wide&& other) noexcept : value(std::exchange(other.value, -1)) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(this) % 256, 0U);
  }
  friend bool operator<(const wide& a, const wide& b) { return a.value < b.value; }
  int value;
};

TEST_P(Queue, ItemsKeepTheirAlignmentAndNeedNoDefaultConstructorNorAssignment) {
  with_parties([](parties& all) {
    with_each_queue<wide>(3, [&](auto& q) {
      all.start([&] {
        for (int i = 0; i < 20; ++i) q.put(wide(i));
      });
      int sum = 0;
      for (int i = 0; i < 20; ++i) sum += q.get().value;
      EXPECT_EQ(sum, 190);
      all.join();
    });
  });
}

TEST(QueueEnd, WhatWasNotGotIsDestroyedWithIt) {
  auto value = std::make_shared<int>(1);
  with_each_queue<std::shared_ptr<int>>(0, [&](auto& q) {
    for (int i = 0; i < 10; ++i) q.put(value);
    for (int i = 0; i < 4; ++i) q.get();
    EXPECT_EQ(value.use_count(), 7);
  });
  EXPECT_EQ(value.use_count(), 1);
}

TEST(QueueEnd, FibersThatWaitAreCancelledAtTheEndOfTheRunAndNothingIsLost) {
  for (unsigned workers : {1U, 4U}) {
    with_each_queue<std::string>(1, [&](auto& full) {
      with_each_queue<int>(1, [&](auto& empty) {
        full.put("in the way");
        std::atomic<int> cancelled{0};
        auto note = [&](auto wait) {
          return [&, wait] {
            try {
              wait();
            } catch (const coir::cancelled&) {
              ++cancelled;
              throw;
            }
          };
        };
        coir::run(
            [&] {
              for (int i = 0; i < 3; ++i) {
                coir::spawn(note([&] {
                  std::string mine = "a string that is too long to be kept inside";
                  try {
                    full.put(std::move(mine));
                  } catch (const coir::cancelled&) {
                    EXPECT_EQ(mine, "a string that is too long to be kept inside");
                    throw;
                  }
                }));
                coir::spawn(note([&] { empty.get(); }));
                coir::spawn(note([&] { full.join(); }));
              }
              for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
            },
            {.workers = workers});
        // With several workers some of them may not have begun.
        EXPECT_LE(cancelled, 9);
        EXPECT_GE(cancelled, workers == 1 ? 9 : 0);
        EXPECT_TRUE(empty.try_put(1));
        EXPECT_EQ(empty.size(), 1U);
        EXPECT_EQ(empty.get(), 1);
        EXPECT_EQ(full.get(), "in the way");
        EXPECT_EQ(full.size(), 0U);
        EXPECT_TRUE(full.try_put("again"));
        full.get();
        EXPECT_FALSE(full.full());
      });
    });
  }
}

using QueueDeadlock = coir_test::deadlock_test;
TEST_F(QueueDeadlock, AWaitThatNobodyCanEndThrows) {
  with_each_queue<int>(1, [](auto& q) {
    EXPECT_THROW(coir::run([&] { q.get(); }), coir::deadlock);
    q.put(1);
    EXPECT_THROW(coir::run([&] { q.put(2); }), coir::deadlock);
    EXPECT_THROW(coir::run([&] { q.join(); }), coir::deadlock);
    EXPECT_EQ(q.get(), 1);
  });
}

}  // namespace
