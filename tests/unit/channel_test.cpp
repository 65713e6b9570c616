// channel_test.cpp - values pass from those who send to those who receive.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::kind;
using coir_test::parties;

class Channel : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Channel, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(!std::is_copy_constructible_v<coir::channel<int>>);
static_assert(!std::is_move_constructible_v<coir::channel<int>>);
static_assert(std::is_base_of_v<std::exception, coir::channel_closed>);

constexpr std::size_t capacities[] = {0, 1, 2, 3, 16, 100, coir::unbounded};

TEST_P(Channel, ValuesArriveInTheOrderInWhichTheyWereSent) {
  with_parties([](parties& all) {
    for (std::size_t capacity : capacities) {
      coir::channel<int> ch{capacity};
      all.start([&] {
        for (int i = 0; i < 1000; ++i) ch.send(i);
        ch.close();
      });
      all.start([&] {
        for (int i = 0; i < 1000; ++i) ASSERT_EQ(ch.receive(), i);
        EXPECT_EQ(ch.receive(), std::nullopt);
      });
      all.join();
    }
  });
}

TEST_P(Channel, EveryValueOfManySendersReachesOneOfManyReceivers) {
  with_parties([](parties& all) {
    for (std::size_t capacity : capacities) {
      constexpr int each = 500;
      coir::channel<int> ch{capacity};
      std::atomic<int> sending{4};
      std::vector<std::atomic<int>> seen(4 * each);
      for (int s = 0; s < 4; ++s)
        all.start([&, s] {
          for (int i = 0; i < each; ++i) ch.send(s * each + i);
          if (sending.fetch_sub(1) == 1) ch.close();
        });
      for (int r = 0; r < 4; ++r)
        all.start([&] {
          for (int v : ch) seen[static_cast<std::size_t>(v)].fetch_add(1);
        });
      all.join();
      for (auto& times : seen) ASSERT_EQ(times.load(), 1);
    }
  });
}

TEST_P(Channel, WhatWasDoneBeforeASendIsSeenAfterTheReceive) {
  with_parties([](parties& all) {
    for (std::size_t capacity : capacities) {
      coir::channel<int*> there{capacity};
      coir::channel<int*> back{capacity};
      all.start([&] {
        int data = 0;
        for (int i = 0; i < 200; ++i) {
          data = i;
          there.send(&data);
          ASSERT_EQ(back.receive(), &data);
          ASSERT_EQ(data, i + 1);
        }
      });
      all.start([&] {
        for (int i = 0; i < 200; ++i) {
          int* data = there.receive().value();
          ASSERT_EQ(*data, i);
          ++*data;
          back.send(data);
        }
      });
      all.join();
    }
  });
}

TEST_P(Channel, ABoundedChannelTakesAsManyAsItsCapacityWithoutAReceiver) {
  with_parties([](parties&) {
    for (int capacity : {0, 1, 2, 3, 7, 64}) {
      coir::channel<int> ch{capacity};
      EXPECT_EQ(ch.capacity(), static_cast<std::size_t>(capacity));
      for (int i = 0; i < capacity; ++i) {
        EXPECT_EQ(ch.size(), static_cast<std::size_t>(i));
        ch.send(i);
      }
      EXPECT_FALSE(ch.try_send(99));
      EXPECT_EQ(ch.size(), static_cast<std::size_t>(capacity));
      for (int i = 0; i < capacity; ++i) EXPECT_EQ(*ch.try_receive(), i);
      EXPECT_TRUE(ch.try_receive().is_empty());
      EXPECT_TRUE(ch.empty());
    }
  });
}

TEST_P(Channel, AnUnboundedChannelNeverMakesASenderWait) {
  with_parties([](parties&) {
    coir::channel<std::string> ch{coir::unbounded};
    EXPECT_EQ(ch.capacity(), coir::unbounded);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 5000; ++i) ch.send(std::to_string(i));
      EXPECT_EQ(ch.size(), 5000U);
      for (int i = 0; i < 5000; ++i) ASSERT_EQ(ch.receive(), std::to_string(i));
    }
    for (int i = 0; i < 100; ++i) ch.send("left behind for the destructor to find");
  });
}

TEST_P(Channel, ARendezvousSendReturnsOnlyOnceItsValueWasReceived) {
  with_parties([](parties& all) {
    coir::channel<int> ch;
    std::atomic<bool> receiving{false};
    all.start([&] {
      ch.send(1);
      EXPECT_TRUE(receiving.load());
    });
    all.start([&] {
      coir::this_fiber::yield();
      receiving = true;
      EXPECT_EQ(ch.receive(), 1);
    });
    all.join();
  });
}

TEST_P(Channel, ARangeForTakesValuesUntilClosedAndDrained) {
  with_parties([](parties& all) {
    coir::channel<std::unique_ptr<int>> ch{4};
    all.start([&] {
      for (int i = 0; i < 10; ++i) ch.send(std::make_unique<int>(i));
      ch.close();
    });
    int next = 0;
    if (GetParam() == kind::threads || GetParam() == kind::one_worker) {
      for (std::unique_ptr<int>& v : ch) EXPECT_EQ(*v, next++);
    } else {
      for (auto&& v : ch) EXPECT_EQ(*v, next++);
    }
    EXPECT_EQ(next, 10);
    for ([[maybe_unused]] auto& v : ch) FAIL() << "a second loop finds it closed";
  });
}

TEST_P(Channel, ValuesInTheBufferAreReceivedAfterItIsClosed) {
  with_parties([](parties&) {
    for (std::size_t capacity : {std::size_t{3}, coir::unbounded}) {
      coir::channel<int> ch{capacity};
      for (int i = 0; i < 3; ++i) ch.send(i);
      EXPECT_FALSE(ch.is_closed());
      ch.close();
      ch.close();
      EXPECT_TRUE(ch.is_closed());
      EXPECT_EQ(ch.receive(), 0);
      EXPECT_EQ(*ch.try_receive(), 1);
      EXPECT_EQ(*ch.receive_for(1h), 2);
      EXPECT_EQ(ch.receive(), std::nullopt);
      EXPECT_TRUE(ch.try_receive().is_closed());
      EXPECT_TRUE(ch.receive_for(1h).is_closed());
    }
  });
}

TEST_P(Channel, SendingOnAClosedChannelThrows) {
  with_parties([](parties&) {
    for (std::size_t capacity : capacities) {
      coir::channel<int> ch{capacity};
      ch.close();
      EXPECT_THROW(ch.send(1), coir::channel_closed);
      EXPECT_THROW(ch.try_send(1), coir::channel_closed);
      EXPECT_THROW(ch.send_for(1, 1h), coir::channel_closed);
      EXPECT_THROW(ch.send_until(1, std::chrono::system_clock::now() + 1h), coir::channel_closed);
    }
  });
}

TEST_P(Channel, CloseWakesEveryoneWhoWaits) {
  with_parties([](parties& all) {
    coir::channel<int> empty;
    coir::channel<std::unique_ptr<int>> full{1};
    full.send(nullptr);
    std::atomic<int> ended{0};
    for (int i = 0; i < 4; ++i) {
      all.start([&] {
        EXPECT_EQ(empty.receive(), std::nullopt);
        ++ended;
      });
      all.start([&] {
        EXPECT_TRUE(empty.receive_for(1h).is_closed());
        ++ended;
      });
      all.start([&] {
        auto mine = std::make_unique<int>(7);
        EXPECT_THROW(full.send(std::move(mine)), coir::channel_closed);
        ASSERT_NE(mine, nullptr) << "a send that failed has taken its argument";
        EXPECT_EQ(*mine, 7);
        ++ended;
      });
    }
    for (int i = 0; i < 20; ++i) coir::this_fiber::yield();
    EXPECT_EQ(ended, 0);
    empty.close();
    full.close();
    all.join();
    EXPECT_EQ(ended, 12);
    EXPECT_EQ(full.receive(), std::unique_ptr<int>());
    EXPECT_EQ(full.receive(), std::nullopt);
  });
}

TEST_P(Channel, ASendThatDoesNotSucceedHasNotMovedFromItsArgument) {
  with_parties([](parties&) {
    coir::channel<std::unique_ptr<int>> ch{1};
    ch.send(nullptr);
    auto mine = std::make_unique<int>(7);
    EXPECT_FALSE(ch.try_send(std::move(mine)));
    EXPECT_FALSE(ch.send_for(std::move(mine), 1ns));
    EXPECT_FALSE(ch.send_until(std::move(mine), std::chrono::steady_clock::now() + 10us));
    EXPECT_FALSE(ch.send_until(std::move(mine), std::chrono::system_clock::now() - 1h));
    ch.close();
    EXPECT_THROW(ch.try_send(std::move(mine)), coir::channel_closed);
    EXPECT_THROW(ch.send(std::move(mine)), coir::channel_closed);
    ASSERT_NE(mine, nullptr);
    EXPECT_EQ(*mine, 7);
  });
}

TEST_P(Channel, AnLvalueIsCopiedAndAnRvalueIsMoved) {
  with_parties([](parties&) {
    coir::channel<std::shared_ptr<int>> ch{8};
    auto value = std::make_shared<int>(1);
    const auto& constant = value;
    ch.send(value);
    ch.send(constant);
    EXPECT_TRUE(ch.try_send(value));
    EXPECT_TRUE(ch.send_for(value, 1s));
    EXPECT_EQ(value.use_count(), 5);
    ch.send(std::move(value));
    EXPECT_EQ(value, nullptr);
  });
}

TEST_P(Channel, AWaitThatTimesOutSaysSoAndLeavesNothingBehind) {
  with_parties([](parties& all) {
    for (std::size_t capacity : capacities) {
      coir::channel<int> ch{capacity};
      EXPECT_TRUE(ch.receive_for(-1h).timed_out());
      EXPECT_TRUE(ch.receive_for(0ns).timed_out());
      EXPECT_TRUE(ch.receive_for(100us).timed_out());
      EXPECT_TRUE(ch.receive_until(std::chrono::steady_clock::now() + 100us).timed_out());
      EXPECT_TRUE(ch.receive_until(std::chrono::system_clock::now() + 100us).timed_out());
      all.start([&] { ch.send(5); });
      auto r = ch.receive_for(1h);
      EXPECT_TRUE(r.has_value());
      EXPECT_FALSE(r.timed_out() || r.is_closed() || r.is_empty());
      EXPECT_EQ(*r, 5);
      all.join();
      if (capacity == coir::unbounded) continue;
      for (std::size_t i = 0; i < capacity; ++i) ch.send(1);
      EXPECT_FALSE(ch.send_for(2, 0ns));
      EXPECT_FALSE(ch.send_for(2, 100us));
      EXPECT_EQ(ch.size(), capacity);
      all.start([&] { EXPECT_TRUE(ch.send_for(3, 1h)); });
      int last = 0;
      for (std::size_t i = 0; i <= capacity; ++i) last = ch.receive().value();
      EXPECT_EQ(last, 3);
      all.join();
    }
  });
}

TEST_P(Channel, TimeoutsThatRaceWithHandOversLoseNothing) {
  with_parties([](parties& all) {
    for (std::size_t capacity : {std::size_t{0}, std::size_t{2}}) {
      coir::channel<int> ch{capacity};
      std::atomic<long> sent{0};
      std::atomic<long> received{0};
      std::atomic<int> sending{2};
      for (int s = 0; s < 2; ++s)
        all.start([&] {
          for (int i = 1; i <= 300; ++i)
            if (ch.send_for(i, std::chrono::microseconds(i % 7))) sent += i;
          if (sending.fetch_sub(1) == 1) ch.close();
        });
      for (int r = 0; r < 2; ++r)
        all.start([&] {
          while (true) {
            auto got = ch.receive_for(3us);
            if (got.is_closed()) return;
            if (got) received += *got;
          }
        });
      all.join();
      EXPECT_EQ(sent, received);
    }
  });
}

TEST(ChannelOrder, WaitersAreServedFirstComeFirstServed) {
  coir::run([] {
    coir::channel<int> ch;
    std::vector<int> order;
    std::vector<coir::task<void>> all;
    for (int i = 0; i < 5; ++i)
      all.push_back(coir::spawn([&, i] { order.push_back(i * 10 + ch.receive().value()); }));
    coir::this_fiber::yield();
    for (int i = 0; i < 5; ++i) ch.send(i);
    for (auto& t : all) t.join();
    EXPECT_EQ(order, (std::vector{0, 11, 22, 33, 44}));
    all.clear();
    for (int i = 0; i < 5; ++i) all.push_back(coir::spawn([&, i] { ch.send(i); }));
    coir::this_fiber::yield();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ch.receive(), i);
    for (auto& t : all) t.join();
  });
}

TEST(ChannelOrder, AWaitingSendersValueComesAfterThoseInTheBuffer) {
  coir::run([] {
    coir::channel<int> ch{2};
    ch.send(0);
    ch.send(1);
    auto waiting = coir::spawn([&] {
      ch.send(2);
      ch.send(3);
    });
    coir::this_fiber::yield();
    EXPECT_EQ(ch.receive(), 0);
    EXPECT_FALSE(ch.try_send(9)) << "the waiting sender's value took the place";
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(ch.receive(), i);
    waiting.join();
  });
}

TEST(ChannelOrder, ATimeoutTakesAsLongAsItSaysOnTheVirtualClock) {
  coir_test::virtual_time clock;
  coir::run([] {
    coir::channel<int> ch;
    coir::deadline start = coir::deadline::now();
    EXPECT_TRUE(ch.receive_for(1h).timed_out());
    EXPECT_EQ(coir::deadline::now().nanoseconds() - start.nanoseconds(),
              std::chrono::nanoseconds(1h).count());
    auto late = coir::spawn([&] {
      coir::this_fiber::sleep_for(2h);
      ch.send(1);
    });
    EXPECT_TRUE(ch.receive_for(1h).timed_out());
    EXPECT_EQ(*ch.receive_for(2h), 1);
    late.join();
  });
}

TEST(ChannelCapacity, ANegativeOneOrOneBeyondAllMemoryIsRefused) {
  EXPECT_THROW(coir::channel<int>{-1}, std::invalid_argument);
  EXPECT_THROW(coir::channel<int>{INT64_MIN}, std::invalid_argument);
  EXPECT_THROW(coir::channel<int>{coir::unbounded - 1}, std::invalid_argument);
  EXPECT_THROW(coir::channel<int>{SIZE_MAX / 2}, std::invalid_argument);
  EXPECT_THROW(coir::channel<int>{PTRDIFF_MAX / 4}, std::invalid_argument);
  std::size_t sixteen = 16;
  EXPECT_EQ(coir::channel<int>{sixteen}.capacity(), 16U);
  EXPECT_EQ(coir::channel<int>{}.capacity(), 0U);
}

struct alignas(256) wide {
  explicit wide(int from) : value(from) {}
  wide(wide&& other) noexcept : value(std::exchange(other.value, -1)) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(this) % 256, 0U);
  }
  int value;
};

TEST_P(Channel, ValuesKeepTheirAlignmentAndNeedNoDefaultConstructorNorAssignment) {
  with_parties([](parties& all) {
    for (std::size_t capacity : {std::size_t{0}, std::size_t{3}, coir::unbounded}) {
      coir::channel<wide> ch{capacity};
      all.start([&] {
        for (int i = 0; i < 20; ++i) ch.send(wide(i));
      });
      for (int i = 0; i < 20; ++i) ASSERT_EQ(ch.receive()->value, i);
      all.join();
    }
  });
}

TEST(ChannelEnd, WhatWasNotReceivedIsDestroyedWithIt) {
  auto value = std::make_shared<int>(1);
  {
    coir::channel<std::shared_ptr<int>> bounded{5};
    coir::channel<std::shared_ptr<int>> open{coir::unbounded};
    for (int i = 0; i < 3; ++i) bounded.send(value);
    for (int i = 0; i < 300; ++i) open.send(value);
    bounded.receive();
    for (int i = 0; i < 200; ++i) open.receive();
    EXPECT_EQ(value.use_count(), 103);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(ChannelEnd, FibersThatWaitAreCancelledAtTheEndOfTheRun) {
  for (unsigned workers : {1U, 4U}) {
    auto ch = std::make_unique<coir::channel<std::string>>(1);
    auto empty = std::make_unique<coir::channel<int>>();
    ch->send("in the way");
    std::atomic<int> cancelled{0};
    coir::run(
        [&] {
          for (int i = 0; i < 3; ++i) {
            coir::spawn([&] {
              std::string mine = "a string that is too long to be kept inside";
              try {
                ch->send(std::move(mine));
              } catch (const coir::cancelled&) {
                EXPECT_EQ(mine, "a string that is too long to be kept inside");
                ++cancelled;
                throw;
              }
            });
            coir::spawn([&] {
              try {
                empty->receive();
              } catch (const coir::cancelled&) {
                ++cancelled;
                throw;
              }
            });
          }
          for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
        },
        {.workers = workers});
    // With several workers some of them may not have begun.
    EXPECT_LE(cancelled, 6);
    EXPECT_GE(cancelled, workers == 1 ? 6 : 0);
    EXPECT_EQ(ch->size(), 1U);
  }
}

using ChannelDeadlock = coir_test::deadlock_test;
TEST_F(ChannelDeadlock, AWaitThatNobodyCanEndThrows) {
  EXPECT_THROW(coir::run([] { coir::channel<int>().receive(); }), coir::deadlock);
  EXPECT_THROW(coir::run([] { coir::channel<int>().send(1); }), coir::deadlock);
}

}  // namespace
