// queue_heap_test.cpp - what is got first: the least, or the youngest.
// SPDX-License-Identifier: BSL-1.0
#include <coir/queue.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/parties.hpp"

namespace {

using coir_test::parties;

template <class Q>
auto drain(Q& q) {
  std::vector<typename Q::value_type> out;
  while (auto item = q.try_get()) out.push_back(std::move(*item));
  return out;
}

TEST(LifoQueue, TheYoungestComesFirst) {
  coir::lifo_queue<int> q;
  for (int i : {1, 3, 2}) q.put(i);
  EXPECT_EQ(drain(q), (std::vector{2, 3, 1}));
}

TEST(PriorityQueue, TheLeastComesFirst) {
  coir::priority_queue<int> q;
  for (int i : {1, 3, 2}) q.put(i);
  EXPECT_EQ(drain(q), (std::vector{1, 2, 3}));
  coir::priority_queue<std::pair<int, std::string>> pairs;
  pairs.put({2, "b"});
  pairs.put({1, "z"});
  pairs.put({1, "a"});
  EXPECT_EQ(pairs.get().second, "a");
  EXPECT_EQ(pairs.get().second, "z");
  EXPECT_EQ(pairs.get().second, "b");
}

TEST(PriorityQueue, AComparisonSaysWhatComesFirst) {
  coir::priority_queue<int, std::greater<>> greatest;
  for (int i : {1, 3, 2}) greatest.put(i);
  EXPECT_EQ(drain(greatest), (std::vector{3, 2, 1}));
  std::vector<int> rank{5, 9, 1};
  auto by_rank = [&rank](const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) {
    return rank[static_cast<std::size_t>(*a)] < rank[static_cast<std::size_t>(*b)];
  };
  coir::priority_queue<std::unique_ptr<int>, decltype(by_rank)> ranked{0, by_rank};
  for (int i = 0; i < 3; ++i) ranked.put(std::make_unique<int>(i));
  EXPECT_EQ(*ranked.get(), 2);
  EXPECT_EQ(*ranked.get(), 0);
  EXPECT_EQ(*ranked.get(), 1);
}

struct ranked {
  int rank;
  int number;
  friend bool operator<(const ranked& a, const ranked& b) { return a.rank < b.rank; }
  friend bool operator==(const ranked&, const ranked&) = default;
};

TEST(PriorityQueue, AmongEqualsTheOldestComesFirst) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    coir::priority_queue<ranked> q;
    std::vector<ranked> model;  // in the order in which they were put
    int number = 0;
    for (int step = 0; step < 100; ++step) {
      if (random() % 3 != 0) {
        model.push_back({static_cast<int>(random() % 5), number++});
        q.put(model.back());
      } else if (auto item = q.try_get()) {
        auto least = std::min_element(model.begin(), model.end());  // the first of them
        ASSERT_EQ(*item, *least);
        model.erase(least);
      } else {
        ASSERT_TRUE(model.empty());
      }
    }
    std::sort(model.begin(), model.end(), [](const ranked& a, const ranked& b) {
      return std::pair(a.rank, a.number) < std::pair(b.rank, b.number);
    });
    ASSERT_EQ(drain(q), model);
  }
}

// As in asyncio: who is woken looks only when its turn comes.
TEST(PriorityQueue, OneThatWaitsGetsWhatIsTheLeastWhenItGoesOn) {
  coir::run([] {
    coir::priority_queue<int> least;
    coir::lifo_queue<int> last;
    auto from_least = coir::spawn([&] { return least.get(); });
    auto from_last = coir::spawn([&] { return last.get(); });
    coir::this_fiber::yield();
    for (int i : {5, 1, 3}) {
      least.put(i);
      last.put(i);
    }
    EXPECT_EQ(least.size(), 2U);
    EXPECT_EQ(from_least.get(), 1);
    EXPECT_EQ(from_last.get(), 3);
    EXPECT_EQ(drain(least), (std::vector{3, 5}));
    EXPECT_EQ(drain(last), (std::vector{1, 5}));
  });
}

// Throws at the comparison that the countdown says.
struct touchy {
  static inline int countdown = 0;  // 0: never
  int value;
  friend bool operator<(const touchy& a, const touchy& b) {
    if (countdown > 0 && --countdown == 0) throw std::runtime_error("no");
    return a.value < b.value;
  }
};

TEST(PriorityQueue, AComparisonThatThrowsChangesNothing) {
  std::mt19937 random(11);
  for (int at = 1; at < 12; ++at) {
    coir::priority_queue<touchy> q(40);
    std::multiset<int> model;
    for (int step = 0; step < 300; ++step) {
      touchy::countdown = random() % 3 == 0 ? at : 0;
      const bool full = model.size() == 40;
      ASSERT_EQ(q.full(), full);
      ASSERT_EQ(q.size(), model.size());
      if (random() % 5 < 3) {
        const int value = static_cast<int>(random() % 50);
        try {
          ASSERT_EQ(q.try_put(touchy{value}), !full);
          if (!full) model.insert(value);
        } catch (const std::runtime_error&) {
          ASSERT_FALSE(full);
        }
      } else {
        try {
          auto item = q.try_get();
          ASSERT_EQ(item.has_value(), !model.empty());
          if (!item) continue;
          ASSERT_EQ(item->value, *model.begin());
          model.erase(model.begin());
        } catch (const std::runtime_error&) {
          ASSERT_FALSE(model.empty());
        }
      }
    }
    touchy::countdown = 0;
    for (int value : model) ASSERT_EQ(q.get().value, value);
    // None is counted that was not put.
    for (std::size_t i = 0; i < model.size(); ++i) EXPECT_NO_THROW(q.task_done());
  }
}

TEST(PriorityQueue, AComparisonThatThrowsLeavesTheItemToAnother) {
  coir::run([] {
    coir::priority_queue<touchy> q(3);
    for (int i : {3, 2, 1}) q.put(touchy{i});
    auto putter = coir::spawn([&] { q.put(touchy{0}); });
    coir::this_fiber::yield();
    touchy::countdown = 1;
    EXPECT_THROW(q.get(), std::runtime_error);
    coir::this_fiber::yield();
    EXPECT_FALSE(putter.done()) << "no place was made";
    EXPECT_EQ(q.get().value, 1);
    putter.join();
    EXPECT_EQ(q.get().value, 0);

    // The place of a put that throws goes to the next.
    coir::priority_queue<touchy> one(2);
    one.put(touchy{1});
    one.put(touchy{1});
    auto first = coir::spawn([&] { one.put(touchy{2}); });
    auto second = coir::spawn([&] { one.put(touchy{3}); });
    coir::this_fiber::yield();
    EXPECT_EQ(one.get().value, 1);
    touchy::countdown = 1;
    EXPECT_THROW(first.get(), std::runtime_error);
    second.join();
    EXPECT_EQ(one.get().value, 1);
    EXPECT_EQ(one.get().value, 3);
  });
}

class PriorityQueueOfMany : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, PriorityQueueOfMany, coir_test::every_kind(), coir_test::name_of_kind);

TEST_P(PriorityQueueOfMany, AComparisonMayWait) {
  with_parties([](parties& all) {
    struct patient {
      bool operator()(int a, int b) const {
        coir::this_fiber::yield();
        return a < b;
      }
    };
    coir::priority_queue<int, patient> q(4);
    std::atomic<int> sum{0};
    for (int p = 0; p < 3; ++p) {
      all.start([&] {
        for (int i = 1; i <= 30; ++i) q.put(i);
      });
      all.start([&] {
        for (int i = 1; i <= 30; ++i) sum += q.get();
      });
    }
    all.join();
    EXPECT_EQ(sum, 3 * 465);
  });
}

TEST_P(PriorityQueueOfMany, OneGetterSeesAnOrderThatSomePutterCouldHaveMade) {
  with_parties([](parties& all) {
    coir::priority_queue<int> q;
    for (int p = 0; p < 4; ++p)
      all.start([&] {
        for (int i = 0; i < 100; ++i) q.put(i);
      });
    all.join();
    std::vector<int> got = drain(q);
    EXPECT_EQ(got.size(), 400U);
    EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
  });
}

}  // namespace
