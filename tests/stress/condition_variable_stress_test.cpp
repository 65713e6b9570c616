// condition_variable_stress_test.cpp - a bounded buffer by hand: nothing is lost, nobody sleeps on.
// SPDX-License-Identifier: BSL-1.0
#include <coir/condition_variable.hpp>

#include <coir/mutex.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <stop_token>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class ConditionStress : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, ConditionStress, coir_test::every_kind(), coir_test::name_of_kind);

constexpr int pairs = 4;
constexpr int values = 1500;

// Waits once in a random way.
template <class Variable>
void wait_somehow(Variable& changed, std::unique_lock<coir::mutex>& lock, std::mt19937& random) {
  switch (random() % 4) {
    case 0:
      changed.wait_for(lock, std::chrono::microseconds(random() % 200));
      break;
    case 1:
      changed.wait_until(lock, std::chrono::system_clock::now() + 50us);
      break;
    default:
      changed.wait(lock);
  }
}

template <class Variable>
void hands_all_values_over(parties& all) {
  std::mt19937 seeds(coir_test::stress_seed());
  coir::mutex m;
  Variable filled, emptied;
  std::deque<int> buffer;
  std::atomic<std::uint64_t> sum{0};
  for (int i = 0; i < pairs; ++i) {
    all.start([&, random = std::mt19937(static_cast<std::uint32_t>(seeds()))]() mutable {
      for (int value = 1; value <= values; ++value) {
        std::unique_lock lock(m);
        while (buffer.size() >= 3) wait_somehow(emptied, lock, random);
        buffer.push_back(value);
        if (random() % 2 == 0) lock.unlock();
        filled.notify_one();
      }
    });
    all.start([&, random = std::mt19937(static_cast<std::uint32_t>(seeds()))]() mutable {
      for (int n = 0; n < values; ++n) {
        std::unique_lock lock(m);
        while (buffer.empty()) wait_somehow(filled, lock, random);
        sum += static_cast<std::uint64_t>(buffer.front());
        buffer.pop_front();
        if (random() % 2 == 0) lock.unlock();
        random() % 8 == 0 ? emptied.notify_all() : emptied.notify_one();
      }
    });
  }
  all.join();
  EXPECT_EQ(sum, std::uint64_t{pairs} * values * (values + 1) / 2);
  EXPECT_TRUE(buffer.empty());
}

TEST_P(ConditionStress, ABoundedBufferHandsAllValuesOver) {
  with_parties(hands_all_values_over<coir::condition_variable>);
  with_parties(hands_all_values_over<coir::condition_variable_any>);
}

TEST_P(ConditionStress, NoRequestToStopIsMissed) {
  with_parties([](parties& all) {
    std::mt19937 seeds(coir_test::stress_seed());
    coir::mutex m;
    coir::condition_variable_any never;
    for (int round = 0; round < 200; ++round) {
      std::stop_source source;
      for (int i = 0; i < 4; ++i)
        all.start([&, pause = seeds() % 4] {
          for (unsigned n = 0; n < pause; ++n) coir::this_fiber::yield();
          std::unique_lock lock(m);
          EXPECT_FALSE(never.wait(lock, source.get_token(), [] { return false; }));
        });
      for (auto n = seeds() % 4; n > 0; --n) {
        coir::this_fiber::yield();
        never.notify_one();
      }
      source.request_stop();
      all.join();
    }
  });
}

}  // namespace
