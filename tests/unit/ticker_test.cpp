// ticker_test.cpp - a channel of points in time, one each period.
// SPDX-License-Identifier: BSL-1.0
#include <coir/ticker.hpp>

#include <coir/select.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;

std::int64_t now() {
  return coir::deadline::now().nanoseconds();
}

std::int64_t at(coir::ticker::time_point time) {
  return time.time_since_epoch() / 1ns;
}

TEST(Ticker, ItSendsTheTimeEachPeriod) {
  coir_test::virtual_time clock;
  coir::run([] {
    std::int64_t start = now();
    coir::ticker every_hour{1h};
    int count = 0;
    for (auto time : every_hour) {
      ++count;
      EXPECT_EQ(at(time), start + count * (1h / 1ns));
      EXPECT_EQ(at(time), now());
      if (count == 5) break;
    }
  });
}

TEST(Ticker, TimesThatALateReceiverMissedAreLeftOut) {
  coir_test::virtual_time clock;
  coir::run([] {
    std::int64_t start = now();
    coir::ticker every_minute{1min};
    coir::this_fiber::sleep_for(210s);
    EXPECT_EQ(at(*every_minute.receive()), start + 1min / 1ns);
    EXPECT_TRUE(every_minute.try_receive().is_empty());
    EXPECT_EQ(at(*every_minute.receive()), start + 4min / 1ns);
    EXPECT_TRUE(every_minute.receive_for(59s).timed_out());
    EXPECT_EQ(at(*every_minute.receive_for(2s)), start + 5min / 1ns);
  });
}

TEST(Ticker, ItIsACaseOfASelect) {
  coir_test::virtual_time clock;
  coir::run([] {
    coir::ticker slow{5s};
    coir::ticker fast{2s};
    std::vector<int> order;
    for (int i = 0; i < 5; ++i)
      coir::select(coir::on_receive(slow, [&](auto) { order.push_back(5); }),
                   coir::on_receive(fast, [&](auto) { order.push_back(2); }));
    EXPECT_EQ(order, (std::vector{2, 2, 5, 2, 2}));
  });
}

TEST(Ticker, ClosingItsChannelEndsIt) {
  coir::run([] {
    coir::ticker often{1ms};
    EXPECT_TRUE(often.receive().has_value());
    often.close();
    EXPECT_TRUE(often.is_closed());
    while (often.receive().has_value()) {
    }
    EXPECT_TRUE(often.receive_for(1h).is_closed());
  });
}

TEST(Ticker, DestroyingItStopsItsFiber) {
  coir_test::virtual_time clock;
  coir::run([] {
    for (int i = 0; i < 100; ++i) coir::ticker once{1h};
    coir::ticker never{std::chrono::hours::max()};
    EXPECT_TRUE(never.try_receive().is_empty());
    for (int i = 0; i < 3; ++i) coir::this_fiber::yield();
    EXPECT_EQ(coir::runtime::current()->stats().live_fibers, 2U);
  });
}

TEST(Ticker, APlainThreadMayUseOne) {
  coir::ticker often{100us};
  auto first = often.receive();
  auto second = often.receive();
  EXPECT_LT(*first, *second);
}

TEST(Ticker, APeriodOfNothingIsRefused) {
  EXPECT_THROW(coir::ticker{0s}, std::invalid_argument);
  EXPECT_THROW(coir::ticker{-1s}, std::invalid_argument);
}

}  // namespace
