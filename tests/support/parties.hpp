// parties.hpp - several at once: fibers of one worker or of four, plain threads, or both.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/deadline.hpp>
#include <coir/runtime.hpp>
#include <coir/spawn.hpp>
#include <coir/task.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sched/census.hpp"
#include "sched/clock.hpp"
#include "support/workers.hpp"

namespace coir_test {

// Of a runtime that has several: COIR_TEST_WORKERS, or four.
inline unsigned several_workers() {
  const char* given = std::getenv("COIR_TEST_WORKERS");
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 0)) : 4;
}

enum class kind { one_worker, four_workers, threads, mixed };

// Those that a test starts. join() them before what they use goes.
class parties {
 public:
  explicit parties(kind of) : kind_(of) {}
  parties(const parties&) = delete;
  parties& operator=(const parties&) = delete;
  ~parties() { join(); }

  void start(std::function<void()> body) {
    bool thread = kind_ == kind::threads || (kind_ == kind::mixed && ++turn_ % 2 == 0);
    if (thread) {
      threads_.emplace_back([this, body = std::move(body)] {
        body();
        ended_.fetch_add(1, std::memory_order_release);
      });
    } else {
      fibers_.push_back(coir::spawn(std::move(body)));
    }
  }

  void join() {
    for (auto& fiber : fibers_) fiber.get();
    // A fiber that blocked here would keep its worker from what the threads wait for.
    while (ended_.load(std::memory_order_acquire) < threads_.size()) coir::this_fiber::yield();
    for (auto& thread : threads_) thread.join();
    fibers_.clear();
    threads_.clear();
    ended_.store(0, std::memory_order_relaxed);
  }

 private:
  kind kind_;
  unsigned turn_ = 0;
  std::vector<coir::task<void>> fibers_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> ended_{0};
};

// COIR_SEED repeats a run.
inline std::uint32_t stress_seed() {
  const char* given = std::getenv("COIR_SEED");
  const auto chosen = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 0))
                                       : std::random_device{}();
  std::cout << "COIR_SEED=" << chosen << '\n';
  return chosen;
}

// Lets the others go on until `done` says so. For what no event tells; bounded by the test's time.
template <class Done>
void until(Done done) {
  while (!done()) coir::this_fiber::yield();
}

// Runs each test four ways. Nothing is leaked.
class party_test : public leaks_no_stack<testing::TestWithParam<kind>> {
 protected:
  // Calls f(parties&), on a fiber unless only threads are asked for.
  template <class F>
  void with_parties(F f) {
    auto body = [&] {
      parties all(GetParam());
      f(all);
    };
    if (GetParam() == kind::threads) return body();
    coir::run(body, {.workers = GetParam() == kind::one_worker ? 1U : several_workers()});
  }
};

inline std::string name_of_kind(const testing::TestParamInfo<kind>& info) {
  const char* names[] = {"OneWorker", "FourWorkers", "Threads", "Mixed"};
  return names[static_cast<int>(info.param)];
}

inline auto every_kind() {
  return testing::Values(kind::one_worker, kind::four_workers, kind::threads, kind::mixed);
}

// For waits that nobody can end. While a thread lives that is not coir's somebody might, for all
// the library knows; a checker or an emulator may have brought one along.
class deadlock_test : public testing::Test {
 protected:
  void SetUp() override {
    if (coir::threads_of_process() != 1) GTEST_SKIP() << "the test is not alone in its process";
  }
};

// Time that stands still until everyone waits, then jumps to the next deadline.
class virtual_time {
 public:
  virtual_time() { coir::set_virtual_clock(true); }
  ~virtual_time() { coir::set_virtual_clock(false); }
  virtual_time(const virtual_time&) = delete;
  virtual_time& operator=(const virtual_time&) = delete;
};

}  // namespace coir_test
