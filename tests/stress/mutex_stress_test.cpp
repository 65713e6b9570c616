// mutex_stress_test.cpp - mutexes in a random crowd: one at a time, and everyone gets through.
// SPDX-License-Identifier: BSL-1.0
#include <coir/mutex.hpp>
#include <coir/shared_mutex.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <random>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

constexpr int population = 12;
constexpr int turns = 1500;

class MutexStress : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, MutexStress, coir_test::every_kind(), coir_test::name_of_kind);

// Locks `m` in a random way; false if it gave up.
template <class M>
bool lock_somehow(M& m, std::mt19937& random) {
  switch (random() % 6) {
    case 0:
      return m.try_lock();
    case 1:
      return m.try_lock_for(std::chrono::microseconds(random() % 200));
    case 2:
      return m.try_lock_until(std::chrono::system_clock::now() + 50us);
    default:
      m.lock();
      return true;
  }
}

template <class M>
void one_at_a_time(parties& all) {
  std::mt19937 seeds(coir_test::stress_seed());
  M m;
  std::uint64_t value = 0;
  std::atomic<std::uint64_t> expected{0};
  for (int i = 0; i < population; ++i)
    all.start([&, random = std::mt19937(static_cast<std::uint32_t>(seeds()))]() mutable {
      std::uint64_t own = 0;
      for (int turn = 0; turn < turns; ++turn) {
        if (!lock_somehow(m, random)) continue;
        std::uint64_t before = value;
        if (random() % 16 == 0) coir::this_fiber::yield();
        value = before + 1;
        m.unlock();
        ++own;
        if (random() % 8 == 0) coir::this_fiber::yield();
      }
      expected += own;
    });
  all.join();
  EXPECT_EQ(value, expected);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST_P(MutexStress, OneAtATime) {
  with_parties(one_at_a_time<coir::timed_mutex>);
  with_parties(one_at_a_time<coir::recursive_timed_mutex>);
  with_parties(one_at_a_time<coir::shared_timed_mutex>);
}

TEST_P(MutexStress, ManyReadOrOneWrites) {
  with_parties([](parties& all) {
    std::mt19937 seeds(coir_test::stress_seed());
    coir::shared_timed_mutex m;
    std::uint64_t first = 0, second = 0;
    std::atomic<std::uint64_t> written{0};
    for (int i = 0; i < population; ++i)
      all.start([&, random = std::mt19937(static_cast<std::uint32_t>(seeds()))]() mutable {
        for (int turn = 0; turn < turns; ++turn) {
          if (random() % 4 == 0) {
            if (!lock_somehow(m, random)) continue;
            ++first;
            if (random() % 16 == 0) coir::this_fiber::yield();
            ++second;
            m.unlock();
            ++written;
          } else {
            bool in = true;
            switch (random() % 4) {
              case 0:
                in = m.try_lock_shared();
                break;
              case 1:
                in = m.try_lock_shared_for(std::chrono::microseconds(random() % 200));
                break;
              default:
                m.lock_shared();
            }
            if (!in) continue;
            std::uint64_t seen = first;
            if (random() % 16 == 0) coir::this_fiber::yield();
            EXPECT_EQ(seen, second);
            m.unlock_shared();
          }
        }
      });
    all.join();
    EXPECT_EQ(first, written);
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

// The longest that anyone waits is bounded by the turns of the others, though each of them takes
// the mutex again as soon as it has left it.
TEST_P(MutexStress, NobodyWaitsForLongAmongThoseWhoNeverRest) {
  with_parties([](parties& all) {
    std::mt19937 seeds(coir_test::stress_seed());
    coir::mutex m;
    std::atomic<bool> end{false};
    std::uint64_t locked = 0;
    for (int i = 0; i < 3; ++i)
      all.start([&, random = std::mt19937(static_cast<std::uint32_t>(seeds()))]() mutable {
        while (!end) {
          std::lock_guard guard(m);
          ++locked;
          if (random() % 2 == 0) coir::this_fiber::yield();
        }
      });
    std::uint64_t seen = 0;
    for (int i = 0; i < 200; ++i) {
      coir::this_fiber::yield();
      std::lock_guard guard(m);
      EXPECT_GE(locked, seen);
      seen = locked;
    }
    end = true;
    all.join();
  });
}

}  // namespace
