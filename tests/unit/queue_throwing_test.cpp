// queue_throwing_test.cpp - items whose moves and copies throw are neither lost nor doubled.
// SPDX-License-Identifier: BSL-1.0
#include <coir/queue.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include "support/parties.hpp"
#include "support/queues.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;
using coir_test::with_each_queue;

struct refused : std::runtime_error {
  refused() : runtime_error("refused") {}
};

// Throws at the operation that the countdown says; zeros do not count. Counts those alive.
struct trouble {
  static inline std::atomic<int> countdown{0};  // 0: never
  static inline std::atomic<int> alive{0};

  static void maybe(int value) {
    if (value != 0 && countdown.load() > 0 && countdown.fetch_sub(1) == 1) throw refused();
  }

  explicit trouble(int from) noexcept : value(from) { ++alive; }
  trouble(int& from, int left) : value(from) {
    maybe(from);
    from = left;
    ++alive;
  }
  trouble(const trouble&) = delete;
  ~trouble() { --alive; }
  friend bool operator<(const trouble& a, const trouble& b) { return a.value < b.value; }

  int value;
};

// Can be copied; both copy and move throw.
struct brittle : trouble {
  using trouble::trouble;
  brittle(const brittle& other) : brittle(const_cast<brittle&>(other).value, other.value) {}
  brittle(brittle&& other) noexcept(false) : brittle(other.value, -1) {}
};

// Can only be moved, and that throws.
struct single : trouble {
  using trouble::trouble;
  single(single&& other) noexcept(false) : single(other.value, -1) {}
};

// Moves well, copies badly.
struct hard_to_copy : trouble {
  using trouble::trouble;
  hard_to_copy(const hard_to_copy& other)
      : hard_to_copy(const_cast<hard_to_copy&>(other).value, other.value) {}
  hard_to_copy(hard_to_copy&& other) noexcept : trouble(std::exchange(other.value, -1)) {}
};

class QueueThrowing : public coir_test::party_test {
 protected:
  void TearDown() override {
    trouble::countdown = 0;
    EXPECT_EQ(trouble::alive, 0);
    party_test::TearDown();
  }
};
INSTANTIATE_TEST_SUITE_P(By, QueueThrowing, coir_test::every_kind(), coir_test::name_of_kind);

TEST_P(QueueThrowing, APutThatThrowsHasPutNothing) {
  with_parties([](parties&) {
    with_each_queue<brittle>(1, [](auto& q) {
      brittle value(1);
      trouble::countdown = 1;
      EXPECT_THROW(q.put(value), refused);
      trouble::countdown = 1;
      EXPECT_THROW(q.put(std::move(value)), refused);
      trouble::countdown = 1;
      EXPECT_THROW(q.try_put(std::move(value)), refused);
      EXPECT_EQ(value.value, 1) << "copied, since moving may throw";
      EXPECT_TRUE(q.empty());
      EXPECT_FALSE(q.full());
      EXPECT_THROW(q.task_done(), std::logic_error);
      q.put(std::move(value));
      EXPECT_TRUE(q.full());
      EXPECT_EQ(q.get().value, 1);
    });
    with_each_queue<hard_to_copy>(1, [](auto& q) {
      hard_to_copy value(2);
      trouble::countdown = 1;
      EXPECT_THROW(q.put(value), refused);
      EXPECT_TRUE(q.empty());
      q.put(std::move(value));
      EXPECT_EQ(value.value, -1);
      EXPECT_EQ(q.get().value, 2);
    });
  });
}

TEST_P(QueueThrowing, ThePlaceOfAPutThatThrowsGoesToTheNext) {
  with_parties([](parties& all) {
    with_each_queue<brittle>(1, [&](auto& q) {
      q.put(brittle(0));
      std::atomic<int> threw{0};
      std::atomic<int> put{0};
      for (int i = 1; i <= 2; ++i) {
        all.start([&, i] {
          try {
            q.put(brittle(i));
            ++put;
          } catch (const refused&) {
            ++threw;
          }
        });
      }
      for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
      trouble::countdown = 1;  // the first of the two, whenever it comes
      EXPECT_EQ(q.get().value, 0);
      all.join();
      EXPECT_EQ(threw, 1);
      EXPECT_EQ(put, 1);
      EXPECT_EQ(q.size(), 1U);
    });
  });
}

TEST_P(QueueThrowing, AnItemThatCannotBeTakenOutStaysTheNextToBeGot) {
  with_parties([](parties&) {
    with_each_queue<brittle>(3, [](auto& q) {
      for (int i : {1, 2, 3}) q.put(brittle(i));
      const int first = std::is_same_v<decltype(q), coir::lifo_queue<brittle>&> ? 3 : 1;
      trouble::countdown = 1;
      EXPECT_THROW(q.get(), refused);
      EXPECT_EQ(q.size(), 3U);
      trouble::countdown = 1;
      EXPECT_THROW(q.try_get(), refused);
      trouble::countdown = 1;
      EXPECT_THROW(q.get_for(1s), refused);
      EXPECT_TRUE(q.full());
      q.shutdown();
      trouble::countdown = 1;
      EXPECT_THROW(q.get_until(std::chrono::steady_clock::now() + 1h), refused);
      EXPECT_EQ(q.get().value, first);
      EXPECT_EQ(q.get().value, 2);
      EXPECT_EQ(q.get().value, 4 - first);
      EXPECT_THROW(q.get(), coir::queue_shutdown);
    });
  });
}

TEST_P(QueueThrowing, AnItemThatCameBackIsDroppedWithTheOthers) {
  with_parties([](parties&) {
    with_each_queue<single>(0, [](auto& q) {
      for (int i : {1, 2, 3}) q.put(single(i));
      trouble::countdown = 1;
      EXPECT_THROW(q.get(), refused);
      EXPECT_EQ(trouble::alive, 3);
      q.shutdown(true);
      EXPECT_EQ(trouble::alive, 0);
      q.join();
    });
    with_each_queue<single>(0, [](auto& q) {
      q.put(single(1));
      trouble::countdown = 1;
      EXPECT_THROW(q.get(), refused);
    });
  });
}

TEST_P(QueueThrowing, AnItemThatCameBackGoesToAGetterThatWaits) {
  with_parties([](parties& all) {
    with_each_queue<brittle>(0, [&](auto& q) {
      std::atomic<int> got{0};
      std::atomic<int> threw{0};
      for (int i = 0; i < 2; ++i) {
        all.start([&] {
          try {
            got += q.get().value;
          } catch (const refused&) {
            ++threw;
          }
        });
      }
      q.put(brittle(1));
      trouble::countdown = 2;  // most often at a get
      try {
        q.put(brittle(10));
      } catch (const refused&) {
        ++threw;
        q.put(brittle(10));
      }
      coir_test::until([&] { return threw == 1; });
      trouble::countdown = 0;
      if (q.size() == 0) q.put(brittle(100));
      all.join();
      EXPECT_GT(got, 0);
      while (q.try_get()) {
      }
    });
  });
}

TEST_P(QueueThrowing, NothingIsLostOrDoubledWhereverItThrows) {
  with_parties([](parties& all) {
    for (std::size_t maxsize : {std::size_t{0}, std::size_t{2}}) {
      for (int at = 1; at <= 20; ++at) {
        with_each_queue<brittle>(maxsize, [&](auto& q) {
          constexpr int each = 5;
          std::atomic<int> putting{2};
          std::vector<std::atomic<int>> balance(2 * each + 1);
          trouble::countdown = at;
          for (int p = 0; p < 2; ++p) {
            all.start([&, p] {
              for (int i = p * each + 1; i <= (p + 1) * each; ++i) {
                try {
                  q.put(brittle(i));
                  ++balance[static_cast<std::size_t>(i)];
                } catch (const refused&) {
                }
              }
              if (putting.fetch_sub(1) == 1) q.shutdown();
            });
          }
          for (int g = 0; g < 2; ++g) {
            all.start([&] {
              while (true) {
                try {
                  --balance[static_cast<std::size_t>(q.get().value)];
                  q.task_done();
                } catch (const refused&) {
                } catch (const coir::queue_shutdown&) {
                  // Drained, unless the other one gives an item back: then it is the other's.
                  return;
                }
              }
            });
          }
          all.join();
          q.join();
          for (auto& b : balance) ASSERT_EQ(b, 0) << "at operation " << at;
          ASSERT_TRUE(q.empty());
          ASSERT_THROW(q.task_done(), std::logic_error);
        });
      }
    }
  });
}

}  // namespace
