// wake_bench.cpp - from another thread's wake to the moment at which the woken one runs.
// SPDX-License-Identifier: BSL-1.0
// The row's time is the median of its samples. Who wakes waits a while before, so that the worker,
// as the thread, is asleep. Both are on one processor: to wake another one takes the machine
// several times longer, and it does so or not as it likes.
#include "peers/coir_fiber.hpp"
#include "peers/thread.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace bench {
namespace {

using steady = std::chrono::steady_clock;

// What one side gives and the other waits for, a time after the other.
class event_signal {
 public:
  void wait_for(int) {
    event_.wait();
    event_.reset();
  }
  void give(int) { event_.set(); }

 private:
  coir::event event_;
};

template <class Signal, class Spawn>
void measure(benchmark::State& state, Spawn spawn) {
  constexpr int samples = 2000;
  constexpr std::chrono::microseconds asleep_after{100};
  Signal signal;
  std::atomic<steady::time_point> woken;
  std::atomic<int> times{0};
  auto sleeper = spawn([&] {
    for (int i = 1; i <= samples; ++i) {
      signal.wait_for(i);
      woken = steady::now();
      times = i;
    }
  });
  std::vector<double> seconds;
  seconds.reserve(samples);
  while (state.KeepRunning()) {
    for (int i = 1; i <= samples; ++i) {
      steady::time_point start = steady::now();
      while (steady::now() - start < asleep_after) {
      }
      start = steady::now();
      signal.give(i);
      while (times != i) std::this_thread::yield();
      seconds.push_back(std::chrono::duration<double>(woken.load() - start).count());
    }
    std::sort(seconds.begin(), seconds.end());
    state.SetIterationTime(seconds[samples / 2]);
  }
  sleeper.join();
  state.counters["p99_ns"] = seconds[samples / 100 * 99] * 1e9;
}

void fiber(benchmark::State& state, std::size_t) {
  on_one_processor both;
  coir::runtime other = coir::runtime::background();
  measure<event_signal>(state, [&](auto body) { return other.spawn(body); });
}

void thread(benchmark::State& state, std::size_t) {
  on_one_processor both;
  measure<turn>(state, [](auto body) { return std::thread{body}; });
}

const rows table{[] {
  add("wake", "coir", &fiber, 0, process::own, clock::manual);
  add("wake", "thread", &thread, 0, process::own, clock::manual);
}};

}  // namespace
}  // namespace bench
