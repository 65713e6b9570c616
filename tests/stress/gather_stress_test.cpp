// gather_stress_test.cpp - many wait for the same tasks, each in a way of its own, and are
// cancelled. SPDX-License-Identifier: BSL-1.0
#include <coir/gather.hpp>

#include <coir/cancel.hpp>
#include <coir/select.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/parties.hpp"

namespace {

using tasks = std::vector<coir::task<int>>;

constexpr int task_count = 8;

unsigned below(unsigned bound, std::mt19937& random) {
  return static_cast<unsigned>(random() % bound);
}

// The tasks return their numbers; some fail instead.
tasks start_tasks(std::mt19937& random) {
  tasks made;
  for (int i = 0; i < task_count; ++i)
    made.push_back(coir::spawn([i, kind = below(8, random)] {
      for (unsigned n = kind * 3; n > 0; --n) coir::this_fiber::yield();
      if (kind == 0) coir::this_fiber::sleep_for(std::chrono::microseconds(50));
      if (kind == 7) throw std::runtime_error(std::to_string(i));
      return i;
    }));
  return made;
}

void check_result(const coir::task<int>& t, const tasks& all) {
  coir::outcome<int> result(t);
  for (int i = 0; i < task_count; ++i) {
    if (!(all[static_cast<std::size_t>(i)] == t)) continue;
    if (result) {
      EXPECT_EQ(*result, i);
    } else {
      EXPECT_FALSE(result.cancelled());
    }
  }
}

// Waits in one way or another; whoever waits leaves the tasks alone.
void wait_somehow(const tasks& all, std::mt19937& random) {
  std::vector<coir::shielded<int>> shielded(all.begin(), all.end());
  const auto patience = std::chrono::microseconds(below(100, random));
  switch (below(8, random)) {
    case 0: {
      auto [done, pending] = coir::wait(all, coir::first_completed);
      EXPECT_FALSE(done.empty());
      EXPECT_EQ(done.size() + pending.size(), all.size());
      for (auto& t : done) check_result(t, all);
      break;
    }
    case 1: {
      auto [done, pending] = coir::wait(all, coir::first_exception, patience);
      EXPECT_EQ(done.size() + pending.size(), all.size());
      break;
    }
    case 2:
      EXPECT_EQ(coir::wait(all).done, all);
      break;
    case 3: {
      int seen = 0;
      for (auto& t : coir::as_completed(all)) {
        check_result(t, all);
        ++seen;
      }
      EXPECT_EQ(seen, task_count);
      break;
    }
    case 4: {
      auto outcomes = coir::gather_settled(shielded);
      for (int i = 0; i < task_count; ++i) {
        auto& result = outcomes[static_cast<std::size_t>(i)];
        EXPECT_TRUE(!result || *result == i);
      }
      break;
    }
    case 5:
      try {
        coir::race(shielded);
      } catch (const std::runtime_error&) {
      }
      break;
    case 6:
      try {
        EXPECT_EQ(coir::gather(shielded).size(), all.size());
      } catch (const std::runtime_error&) {
      }
      break;
    default:
      coir::select(coir::on_task(all[0], [&](auto& t) { check_result(t, all); }),
                   coir::on_task(all[1], [&](auto& t) { check_result(t, all); }),
                   coir::on_task(all[0]), coir::on_timeout(patience));
  }
}

class GatherStress : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, GatherStress, testing::Values(1U, 2U, 4U, 16U));

TEST_P(GatherStress, EachWaiterSeesTheRightResultsOrItsOwnCancellation) {
  const std::size_t live = coir::stack_stats().live;
  std::mt19937 seeds(coir_test::stress_seed());
  coir::run(
      [&] {
        for (int round = 0; round < 200; ++round) {
          tasks all = start_tasks(seeds);
          std::vector<coir::task<void>> waiting;
          for (int i = 0; i < 10; ++i)
            waiting.push_back(coir::spawn(
                [&all, random = std::mt19937(static_cast<std::uint32_t>(seeds()))]() mutable {
                  for (int turn = 0; turn < 3; ++turn) wait_somehow(all, random);
                }));
          std::vector<std::thread> threads;
          if (round % 8 == 0)
            threads.emplace_back([&all, random = std::mt19937(static_cast<std::uint32_t>(
                                            seeds()))]() mutable { wait_somehow(all, random); });
          if (round % 4 == 0)
            threads.emplace_back([waiting] {
              for (std::size_t i = 0; i < waiting.size(); i += 3) waiting[i].cancel();
            });
          for (unsigned n = below(16, seeds); n > 0; --n) coir::this_fiber::yield();
          for (auto& t : waiting)
            if (below(4, seeds) == 0) t.cancel();
          for (auto& t : waiting) {
            auto failure = t.exception();
            EXPECT_TRUE(failure == nullptr || t.cancelled());
          }
          for (auto& t : all) {
            t.join();
            EXPECT_FALSE(t.cancelled());
            static_cast<void>(t.exception());
          }
          for (auto& thread : threads) thread.join();
        }
      },
      {.workers = GetParam()});
  EXPECT_EQ(coir::stack_stats().live, live) << "a stack leaked";
}

}  // namespace
