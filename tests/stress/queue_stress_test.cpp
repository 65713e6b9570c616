// queue_stress_test.cpp - fibers of several runtimes and threads, on queues, in every way.
// SPDX-License-Identifier: BSL-1.0
#include <coir/queue.hpp>

#include <coir/event.hpp>
#include <coir/runtime.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "support/parties.hpp"

namespace {

#if COIR_TSAN
constexpr int rounds = 6;
constexpr int items_each = 60;
#else
constexpr int rounds = 15;
constexpr int items_each = 150;
#endif
constexpr int of_each_kind = 2;  // putters, and getters, on each runtime and on threads

// Throws on every so many-th copy or comparison; copied, not moved, into its place.
struct fragile {
  static inline std::atomic<unsigned> operations{0};
  static inline std::atomic<long> alive{0};
  static void maybe() {
    if (operations.fetch_add(1) % 37 == 0) throw std::bad_alloc();
  }

  explicit fragile(int from) : value(from) { ++alive; }
  fragile(const fragile& other) : value(other.value) {
    maybe();
    ++alive;
  }
  fragile(fragile&& other) noexcept(false) : fragile(std::as_const(other)) {}
  ~fragile() { --alive; }
  friend bool operator<(const fragile& a, const fragile& b) {
    maybe();
    return a.value < b.value;
  }
  int value;
};

struct plain {
  explicit plain(int from) : owned(std::make_unique<int>(from)), value(from) {}
  friend bool operator<(const plain& a, const plain& b) { return *a.owned < *b.owned; }
  std::unique_ptr<int> owned;
  int value;
};

// Fibers of two runtimes, and threads.
class crowd {
 public:
  void start(std::function<void()> body) {
    switch (turn_++ % 3) {
      case 0:
        fibers_.push_back(one_.spawn(std::move(body)));
        break;
      case 1:
        fibers_.push_back(four_.spawn(std::move(body)));
        break;
      default:
        threads_.emplace_back(std::move(body));
    }
  }
  void join() {
    for (auto& t : fibers_) t.get();
    for (auto& t : threads_) t.join();
  }

 private:
  coir::runtime one_ = coir::runtime::background();
  coir::runtime four_ = coir::runtime::background({.workers = coir_test::several_workers()});
  unsigned turn_ = 0;
  std::vector<coir::task<void>> fibers_;
  std::vector<std::thread> threads_;
};

template <class Q>
class world {
 public:
  using item = typename Q::value_type;

  explicit world(std::uint_fast32_t seed) : random_(seed), queue_(random_() % 4) {}

  // Every item that was put is got once, and marked as done.
  void run_until_done() {
    constexpr int putters = 3 * of_each_kind;
    seen_ = std::vector<std::atomic<int>>(putters * items_each);
    putting_ = putters;
    crowd all;
    for (int i = 0; i < putters; ++i) {
      all.start([this, i, s = random_()] {
        put(i * items_each, s);
        if (putting_.fetch_sub(1) != 1) return;
        queue_.shutdown();
        over_.set();
      });
      all.start([this, s = random_()] { get(s); });
    }
    all.start([this] {
      over_.wait();
      queue_.join();
      for (auto& times : seen_) EXPECT_EQ(times, 1);
    });
    all.join();
    // One that was given back when the others had gone.
    while (!queue_.empty()) get(random_());
    queue_.join();
    for (auto& times : seen_) ASSERT_EQ(times, 1);
    ASSERT_THROW(queue_.task_done(), std::logic_error);
  }

  // Shut down at any moment, none is got twice, and nobody waits for ever.
  void run_until_shut_down() {
    constexpr int putters = 3 * of_each_kind;
    seen_ = std::vector<std::atomic<int>>(putters * items_each);
    crowd all;
    for (int i = 0; i < putters; ++i) {
      all.start([this, i, s = random_()] { put(i * items_each, s); });
      all.start([this, s = random_()] { get(s); });
    }
    all.start([this] { queue_.join(); });
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(random_() % 300);
    while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
    queue_.shutdown(true);
    all.join();
    ASSERT_TRUE(queue_.empty());
    queue_.join();
    for (auto& times : seen_) ASSERT_LE(times, 1);
    ASSERT_THROW(queue_.task_done(), std::logic_error);
  }

 private:
  void put(int first, std::uint_fast32_t seed) {
    std::mt19937 random(seed);
    for (int i = first; i < first + items_each;) {
      item one(i);
      const auto wait = std::chrono::microseconds(random() % 50);
      try {
        switch (random() % 4) {
          case 0:
            if (queue_.try_put(std::move(one))) {
              ++i;
            } else {
              coir::this_fiber::yield();
            }
            break;
          case 1:
            i += queue_.put_for(std::move(one), wait) ? 1 : 0;
            break;
          default:
            queue_.put(std::move(one));
            ++i;
        }
      } catch (const std::bad_alloc&) {
        // Nothing was put.
      } catch (const coir::queue_shutdown&) {
        return;
      }
    }
  }

  void get(std::uint_fast32_t seed) {
    std::mt19937 random(seed);
    while (true) {
      const auto wait = std::chrono::microseconds(random() % 50);
      try {
        std::optional<int> got;
        switch (random() % 4) {
          case 0:
            if (auto one = queue_.try_get()) got = one->value;
            break;
          case 1:
            if (auto one = queue_.get_for(wait)) got = one->value;
            break;
          default:
            got = queue_.get().value;
        }
        if (!got || random() % 4 == 0) coir::this_fiber::yield();
        if (!got) continue;
        ++seen_[static_cast<std::size_t>(*got)];
        queue_.task_done();
      } catch (const std::bad_alloc&) {
        // Nothing was taken.
      } catch (const coir::queue_shutdown&) {
        return;
      }
    }
  }

  std::mt19937 random_;
  Q queue_;
  std::vector<std::atomic<int>> seen_;
  std::atomic<int> putting_{0};
  coir::event over_;
};

template <class Q>
class QueueStress : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(fragile::alive, 0); }
};
using kinds =
    testing::Types<coir::queue<plain>, coir::lifo_queue<plain>, coir::priority_queue<plain>,
                   coir::queue<fragile>, coir::lifo_queue<fragile>, coir::priority_queue<fragile>>;
TYPED_TEST_SUITE(QueueStress, kinds);

TYPED_TEST(QueueStress, EveryItemIsGotAndDoneOnceWhateverTheForm) {
  std::mt19937 random(coir_test::stress_seed());
  for (int i = 0; i < rounds; ++i) {
    world<TypeParam>(random()).run_until_done();
    if (this->HasFatalFailure()) return;
  }
}

TYPED_TEST(QueueStress, ShutdownMeetsThoseWhoPutGetAndJoinAtAnyMoment) {
  std::mt19937 random(coir_test::stress_seed());
  for (int i = 0; i < rounds; ++i) {
    world<TypeParam>(random()).run_until_shut_down();
    if (this->HasFatalFailure()) return;
  }
}

}  // namespace
