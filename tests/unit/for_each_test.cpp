// for_each_test.cpp - a task for each item, a limited number at a time.
// SPDX-License-Identifier: BSL-1.0
#include <coir/for_each.hpp>

#include <coir/cancel.hpp>
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <ranges>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::thrown_by;

class ForEachTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, ForEachTest, coir_test::one_and_several_workers());

// Collects from several at once.
class bag {
 public:
  void put(int item) {
    std::lock_guard guard(mutex_);
    items_.push_back(item);
  }
  std::vector<int> sorted() {
    std::ranges::sort(items_);
    return items_;
  }

 private:
  std::mutex mutex_;
  std::vector<int> items_;
};

// How many are in it at a time.
class room {
 public:
  void enter() {
    int now = ++inside_;
    for (int most = most_; most < now && !most_.compare_exchange_weak(most, now);) {
    }
  }
  void leave() { --inside_; }
  int most() const { return most_; }
  int inside() const { return inside_; }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> most_{0};
};

TEST_P(ForEachTest, EachItemIsCalledOnce) {
  from_everywhere([](coir::runtime&) {
    for (std::size_t limit : {0U, 1U, 3U, 100U}) {
      bag seen;
      std::vector items{1, 2, 3, 4, 5};
      coir::for_each(items,
                     [&](int& item) {
                       EXPECT_GE(&item, items.data()) << "the item itself, no copy";
                       sleep_for(1ms * item);
                       seen.put(item);
                     },
                     {.limit = limit});
      EXPECT_EQ(seen.sorted(), items);
    }
  });
}

TEST_P(ForEachTest, NotMoreThanTheLimitAreUnderWay) {
  run([] {
    for (int limit : {1, 2, 7}) {
      room calls;
      auto start = coir_test::now();
      coir::for_each(std::views::iota(0, 70),
                     [&](int) {
                       calls.enter();
                       sleep_for(1s);
                       calls.leave();
                     },
                     {.limit = static_cast<std::size_t>(limit)});
      EXPECT_EQ(calls.most(), limit);
      EXPECT_EQ(coir_test::now() - start, 1s * (70 / limit)) << "and not less";
    }
  });
}

TEST_P(ForEachTest, ALimitOfZeroAndAHugeOneAreNone) {
  run([] {
    for (std::size_t limit : {std::size_t{0}, SIZE_MAX, SIZE_MAX / 2 + 1}) {
      auto start = coir_test::now();
      coir::for_each(std::views::iota(0, 100), [](int) { sleep_for(1s); }, {.limit = limit});
      EXPECT_EQ(coir_test::now() - start, 1s);
    }
  });
}

TEST_P(ForEachTest, WithALimitOfOneTheyGoInOrder) {
  run([] {
    std::vector<int> seen;
    coir::for_each(std::views::iota(0, 100),
                   [&](int i) {
                     if (i % 3 == 0) coir::this_fiber::yield();
                     seen.push_back(i);
                   },
                   {.limit = 1});
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    EXPECT_EQ(seen.size(), 100U);
  });
}

TEST_P(ForEachTest, NoItemsAreNoCalls) {
  auto none = [] {
    coir::for_each(std::vector<int>(), [](int) { FAIL(); });
    coir::for_each(std::vector<int>(), [](int) { FAIL(); }, {.limit = 2});
  };
  none();
  run(none);
}

TEST_P(ForEachTest, AFailureCancelsTheRestAndIsThrownAsItself) {
  run([] {
    for (std::size_t limit : {0U, 3U}) {
      auto start = coir_test::now();
      std::atomic<int> cancelled{0};
      std::atomic<int> called{0};
      auto call = [&](int i) {
        ++called;
        try {
          sleep_for(i == 1 ? 1s : 1h);
        } catch (const coir::cancelled&) {
          ++cancelled;
          sleep_for(2s);
          throw;
        }
        throw std::out_of_range("one");
      };
      auto failing = [&] { coir::for_each(std::views::iota(0, 10), call, {.limit = limit}); };
      EXPECT_THROW(failing(), std::out_of_range);
      EXPECT_EQ(coir_test::now() - start, 3s) << "all have ended before it is thrown";
      EXPECT_EQ(called, limit == 0 ? 10 : 3);
      EXPECT_EQ(cancelled, called - 1);
    }
  });
}

TEST_P(ForEachTest, TheFirstFailureIsThrownThoughOthersFollowFromIt) {
  from_everywhere([](coir::runtime&) {
    for (int round = 0; round < 50; ++round) {
      auto failing = [] {
        coir::for_each(std::views::iota(0, 20), [](int i) {
          if (i == 19) throw std::runtime_error("the cause");
          try {
            coir_test::wait_for_cancellation();
          } catch (const coir::cancelled&) {
            throw std::runtime_error("a consequence");
          }
        });
      };
      EXPECT_EQ(thrown_by(failing), "the cause");
    }
  });
}

TEST_P(ForEachTest, AFailureStopsWhoGoesThroughTheRange) {
  from_everywhere([](coir::runtime&) {
    std::atomic<int> called{0};
    auto failing = [&] {
      coir::for_each(std::views::iota(0, 1'000'000),
                     [&](int) {
                       ++called;
                       throw std::runtime_error("stop");
                     },
                     {.limit = 2});
    };
    EXPECT_EQ(thrown_by(failing), "stop");
    EXPECT_LT(called, 1'000'000);
  });
}

TEST_P(ForEachTest, WhatTheRangeThrowsCancelsTheCallsUnderWay) {
  run([] {
    std::atomic<int> cancelled{0};
    auto items = std::views::iota(0, 10) | std::views::transform([](int i) {
                   if (i == 5) throw std::runtime_error("range");
                   return i;
                 });
    auto call = [&](int) {
      try {
        sleep_for(1h);
      } catch (const coir::cancelled&) {
        ++cancelled;
        throw std::runtime_error("a consequence");
      }
    };
    auto failing = [&] {
      coir::for_each(items, [&](int i) {
        if (i == 0) coir::this_fiber::yield();
        call(i);
      });
    };
    std::string thrown = thrown_by(failing);
    EXPECT_EQ(thrown, "range");
    EXPECT_LE(cancelled, 5);
  });
}

TEST_P(ForEachTest, ACancelledCallIsNoFailure) {
  run([] {
    std::atomic<int> called{0};
    coir::for_each(std::views::iota(0, 3), [&](int i) {
      ++called;
      if (i == 1) throw coir::cancelled();
    });
    EXPECT_EQ(called, 3);
  });
}

TEST_P(ForEachTest, WhoIsCancelledCancelsTheCallsAndWaitsForThem) {
  run([] {
    for (std::size_t limit : {0U, 2U}) {
      room calls;
      auto start = coir_test::now();
      auto call = [&](int) {
        calls.enter();
        try {
          coir_test::sleep_and_clean_up(5s);
        } catch (const coir::cancelled&) {
          calls.leave();
          throw;
        }
      };
      auto running =
          coir::spawn([&] { coir::for_each(std::views::iota(0, 10), call, {.limit = limit}); });
      sleep_for(1s);
      running.cancel();
      EXPECT_EQ(thrown_by([&] { running.get(); }), "cancelled");
      EXPECT_EQ(coir_test::now() - start, 6s);
      EXPECT_EQ(calls.inside(), 0);
      EXPECT_EQ(calls.most(), limit == 0 ? 10 : 2);
    }
    EXPECT_THROW(
        coir::with_timeout(
            1s, [] { coir::for_each(std::views::iota(0, 3), [](int) { sleep_for(1h); }); }),
        coir::timed_out);
  });
}

TEST_P(ForEachTest, ItemsThatAreMadeOnTheWayAreMovedToTheCalls) {
  run([] {
    bag seen;
    auto owners = std::views::iota(0, 10) |
                  std::views::transform([](int i) { return std::make_unique<int>(i); });
    coir::for_each(owners,
                   [&](std::unique_ptr<int> owned) {
                     coir::this_fiber::yield();
                     seen.put(*owned);
                   },
                   {.limit = 3});
    EXPECT_EQ(seen.sorted().size(), 10U);

    std::vector<std::unique_ptr<int>> given;
    given.push_back(std::make_unique<int>(10));
    auto moving =
        std::ranges::subrange(std::move_iterator(given.begin()), std::move_iterator(given.end()));
    coir::for_each(moving, [&](std::unique_ptr<int>&& owned) {
      std::unique_ptr<int> taken = std::move(owned);
      seen.put(*taken);
    });
    EXPECT_EQ(given[0], nullptr);
    EXPECT_EQ(seen.sorted().back(), 10);

    std::vector<std::unique_ptr<int>> stays;
    stays.push_back(std::make_unique<int>(11));
    coir::for_each(stays, [&](const std::unique_ptr<int>& owned) { seen.put(*owned); });
    EXPECT_NE(stays[0], nullptr);
  });
}

// Such a range has one item at a time, in a place that the next one takes.
TEST_P(ForEachTest, ItemsOfARangeThatIsThereOnlyOnceAreCopied) {
  run([] {
    for (std::size_t limit : {0U, 3U}) {
      bag seen;
      std::istringstream words("1 2 3 4 5");
      auto call = [&](int& item) {
        coir::this_fiber::yield();
        seen.put(item);
      };
      coir::for_each(std::views::istream<int>(words), call, {.limit = limit});
      coir::for_each(coir::generator<int>{[](auto& yield) {
                       for (int i = 6; i < 9; ++i) yield(i);
                     }},
                     call, {.limit = limit});
      EXPECT_EQ(seen.sorted(), (std::vector{1, 2, 3, 4, 5, 6, 7, 8}));
    }
  });
}

TEST_P(ForEachTest, AnyRangeWillDo) {
  run([] {
    bag seen;
    auto put = [&](int item) { seen.put(item); };
    const std::list<int> list{1, 2};
    int plain[] = {3, 4};
    std::vector<bool> bits{true, false};
    coir::for_each(list, put);
    coir::for_each(plain, put);
    coir::for_each(std::span(plain), put);
    coir::for_each(std::views::iota(5) | std::views::take(2), put);
    coir::for_each(bits, [&](bool bit) { seen.put(bit ? 8 : 7); });
    EXPECT_EQ(seen.sorted(), (std::vector{1, 2, 3, 3, 4, 4, 5, 6, 7, 8}));
  });
}

TEST_P(ForEachTest, CallsMayCallForEach) {
  run([] {
    std::atomic<int> calls{0};
    coir::for_each(
        std::views::iota(0, 10),
        [&](int) { coir::for_each(std::views::iota(0, 10), [&](int) { ++calls; }, {.limit = 2}); },
        {.limit = 3});
    EXPECT_EQ(calls, 100);
  });
}

TEST_P(ForEachTest, ManyItems) {
  run([] {
    for (std::size_t limit : {0U, 50U}) {
      std::atomic<int> sum{0};
      coir::for_each(std::views::iota(0, 10'000), [&](int i) { sum += i % 2; }, {.limit = limit});
      EXPECT_EQ(sum, 5'000);
    }
  });
}

}  // namespace
