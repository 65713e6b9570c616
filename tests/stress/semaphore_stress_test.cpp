// semaphore_stress_test.cpp - permits, latches, barriers and events in a random crowd.
// SPDX-License-Identifier: BSL-1.0
#include <coir/semaphore.hpp>

#include <coir/barrier.hpp>
#include <coir/event.hpp>
#include <coir/latch.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>

#include "support/parties.hpp"

namespace {

using coir_test::parties;

class SemaphoreStress : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, SemaphoreStress, coir_test::every_kind(), coir_test::name_of_kind);

constexpr int population = 12;

TEST_P(SemaphoreStress, PermitsAreNeitherLostNorMade) {
  with_parties([](parties& all) {
    std::mt19937 seeds(coir_test::stress_seed());
    constexpr int permits = 5;
    coir::bounded_semaphore s{permits};
    std::atomic<int> taken{0};
    for (int i = 0; i < population; ++i)
      all.start([&, random = std::mt19937(static_cast<std::uint32_t>(seeds()))]() mutable {
        for (int turn = 0; turn < 1000; ++turn) {
          int got = 0;
          switch (random() % 4) {
            case 0:
              got = s.try_acquire() ? 1 : 0;
              break;
            case 1:
              got = s.try_acquire_for(std::chrono::microseconds(random() % 200)) ? 1 : 0;
              break;
            default:
              s.acquire();
              got = 1;
              if (random() % 4 == 0 && s.try_acquire()) got = 2;
          }
          EXPECT_LE(taken += got, permits);
          if (random() % 8 == 0) coir::this_fiber::yield();
          taken -= got;
          s.release(got);
        }
      });
    all.join();
    for (int i = 0; i < permits; ++i) EXPECT_TRUE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire());
  });
}

// The last one to hear of an end destroys what told it, while who told may still be in the call.
TEST_P(SemaphoreStress, WhatIsOverMayBeDestroyedAtOnce) {
  struct meeting {
    coir::event event;
    coir::latch latch{2};
    coir::semaphore semaphore{0};
    unsigned which = 0;
  };
  with_parties([](parties& all) {
    std::mt19937 seeds(coir_test::stress_seed());
    for (int round = 0; round < 100; ++round) {
      for (int i = 0; i < 4; ++i) {
        auto* shared = new meeting;
        shared->which = static_cast<unsigned>(seeds() % 3);
        auto pauses = static_cast<unsigned>(seeds() % 16);
        all.start([=] {
          for (unsigned n = pauses & 3; n > 0; --n) coir::this_fiber::yield();
          if (shared->which == 0) {
            shared->event.set();
          } else if (shared->which == 1) {
            shared->latch.count_down(2);
          } else {
            shared->semaphore.release();
          }
        });
        all.start([=] {
          for (unsigned n = pauses >> 2; n > 0; --n) coir::this_fiber::yield();
          if (shared->which == 0) {
            shared->event.wait();
          } else if (shared->which == 1) {
            shared->latch.wait();
          } else {
            shared->semaphore.acquire();
          }
          delete shared;
        });
      }
      all.join();
    }
  });
}

TEST_P(SemaphoreStress, AnEventThatIsSetWakesAllWhoWaitForIt) {
  with_parties([](parties& all) {
    std::mt19937 seeds(coir_test::stress_seed());
    for (int round = 0; round < 100; ++round) {
      coir::event go;
      std::atomic<int> gone{0};
      for (int i = 0; i < 6; ++i)
        all.start([&, patience = seeds() % 200] {
          if (patience < 100) {
            while (!go.wait_for(std::chrono::microseconds(patience))) {
            }
          } else {
            go.wait();
          }
          ++gone;
        });
      for (auto n = seeds() % 4; n > 0; --n) coir::this_fiber::yield();
      go.set();
      all.join();
      EXPECT_EQ(gone, 6);
    }
  });
}

TEST_P(SemaphoreStress, ABarrierKeepsAPartyTogetherWhileSomeDropOut) {
  with_parties([](parties& all) {
    std::mt19937 seeds(coir_test::stress_seed());
    std::uint64_t phases = 0;
    coir::barrier together{population, [&]() noexcept { ++phases; }};
    std::uint64_t longest = 0;
    for (int i = 0; i < population; ++i) {
      std::uint64_t stays = seeds() % 200;
      longest = std::max(longest, stays + 1);
      all.start([&, stays] {
        for (std::uint64_t phase = 1; phase <= stays; ++phase) {
          together.arrive_and_wait();
          // Not the next one ends while this party is not there.
          EXPECT_EQ(phases, phase);
        }
        together.arrive_and_drop();
      });
    }
    all.join();
    EXPECT_EQ(phases, longest);
  });
}

}  // namespace
