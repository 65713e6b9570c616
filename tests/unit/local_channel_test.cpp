// local_channel_test.cpp - a channel between the fibers of one worker.
// SPDX-License-Identifier: BSL-1.0
#include <coir/local_channel.hpp>
#include <coir/runtime.hpp>
#include <coir/select.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;

// Runs f on a fiber that stays on its worker; `start` makes more of them there.
template <class F>
void on_one_worker(unsigned workers, F f) {
  coir::run(
      [&] {
        // Pinned fibers of several workers meet on one only if they are made there.
        coir::spawn({.pinned = true}, f).get();
      },
      {.workers = workers});
}

TEST(LocalChannel, ValuesArriveInOrderThroughEveryCapacity) {
  for (unsigned workers : {1U, 4U})
    on_one_worker(workers, [] {
      for (std::size_t capacity :
           {std::size_t{0}, std::size_t{1}, std::size_t{16}, coir::unbounded}) {
        coir::local_channel<int> ch{capacity};
        auto sender = coir::spawn({.pinned = true}, [&] {
          for (int i = 0; i < 1000; ++i) ch.send(i);
          ch.close();
        });
        int next = 0;
        for (int v : ch) ASSERT_EQ(v, next++);
        EXPECT_EQ(next, 1000);
        sender.get();
      }
    });
}

TEST(LocalChannel, ItHasTheMembersOfAChannel) {
  on_one_worker(1, [] {
    coir::local_channel<std::unique_ptr<int>> ch{1};
    auto mine = std::make_unique<int>(1);
    EXPECT_TRUE(ch.try_send(nullptr));
    EXPECT_FALSE(ch.try_send(std::move(mine)));
    EXPECT_FALSE(ch.send_for(std::move(mine), 10us));
    EXPECT_FALSE(ch.send_until(std::move(mine), std::chrono::steady_clock::now()));
    EXPECT_NE(mine, nullptr);
    EXPECT_EQ(ch.size(), 1U);
    EXPECT_EQ(ch.capacity(), 1U);
    EXPECT_EQ(*ch.try_receive(), nullptr);
    EXPECT_TRUE(ch.empty());
    EXPECT_TRUE(ch.try_receive().is_empty());
    EXPECT_TRUE(ch.receive_for(10us).timed_out());
    EXPECT_TRUE(ch.receive_until(std::chrono::steady_clock::now()).timed_out());
    EXPECT_FALSE(ch.is_closed());
    ch.close();
    EXPECT_TRUE(ch.is_closed());
    EXPECT_THROW(ch.send(std::move(mine)), coir::channel_closed);
    EXPECT_NE(mine, nullptr);
    EXPECT_FALSE(ch.receive().has_value());
    EXPECT_THROW(coir::local_channel<int>{-1}, std::invalid_argument);
  });
}

TEST(LocalChannel, ManySendersAndReceiversLoseNothing) {
  on_one_worker(1, [] {
    coir::local_channel<int> ch{3};
    long in = 0;
    long out = 0;
    std::vector<coir::task<void>> senders;
    std::vector<coir::task<void>> receivers;
    for (int s = 0; s < 4; ++s)
      senders.push_back(coir::spawn([&] {
        for (int i = 0; i < 500; ++i) {
          ch.send(i);
          in += i;
        }
      }));
    for (int r = 0; r < 4; ++r)
      receivers.push_back(coir::spawn([&] {
        for (int v : ch) out += v;
      }));
    for (auto& t : senders) t.get();
    ch.close();
    for (auto& t : receivers) t.get();
    EXPECT_EQ(in, out);
  });
}

TEST(LocalChannel, CloseAndTheEndOfTheRunWakeThoseThatWait) {
  int closed = 0;
  int cancelled = 0;
  auto ch = std::make_unique<coir::local_channel<int>>();
  auto other = std::make_unique<coir::local_channel<int>>();
  coir::run([&] {
    for (int i = 0; i < 3; ++i) {
      coir::spawn([&] {
        if (!ch->receive()) ++closed;
      });
      coir::spawn([&] {
        try {
          other->send(1);
        } catch (const coir::cancelled&) {
          ++cancelled;
          throw;
        }
      });
    }
    coir::this_fiber::yield();
    ch->close();
    coir::this_fiber::yield();
  });
  EXPECT_EQ(closed, 3);
  EXPECT_EQ(cancelled, 3);
}

TEST(LocalChannel, ASelectMayMixItWithOthers) {
  on_one_worker(1, [] {
    coir::local_channel<int> local;
    coir::local_channel<std::string> words{1};
    coir::channel<int> shared;
    auto sender = coir::spawn([&] {
      for (int i = 0; i < 100; ++i) {
        local.send(1);
        words.send("ten chars.");
        shared.send(100);
      }
    });
    long sum = 0;
    for (int i = 0; i < 300; ++i)
      coir::select(
          coir::on_receive(local, [&](std::optional<int> v) { sum += v.value(); }),
          coir::on_receive(
              words, [&](std::optional<std::string> w) { sum += static_cast<long>(w->size()); }),
          coir::on_receive(shared, [&](std::optional<int> v) { sum += v.value(); }),
          coir::on_timeout(1h));
    EXPECT_EQ(sum, 100 * 111);
    sender.get();
    EXPECT_EQ(coir::select(coir::on_send(local, 1), coir::on_send(shared, 1), coir::otherwise()),
              2U);
    EXPECT_EQ(coir::select(coir::on_send(local, 1), coir::on_timeout(10us)), 1U);
    EXPECT_FALSE(local.try_receive().has_value());
    EXPECT_EQ(coir::select(coir::on_send(words, "kept"), coir::otherwise()), 0U);
    local.close();
    EXPECT_THROW(coir::select(coir::on_send(local, 1)), coir::channel_closed);
  });
}

TEST(LocalChannel, ATimeoutIsExactOnTheVirtualClock) {
  coir_test::virtual_time clock;
  coir::run([] {
    coir::local_channel<int> ch;
    auto late = coir::spawn([&] {
      coir::this_fiber::sleep_for(90min);
      ch.send(1);
    });
    EXPECT_TRUE(ch.receive_for(1h).timed_out());
    EXPECT_EQ(*ch.receive_for(1h), 1);
    late.join();
  });
}

}  // namespace
