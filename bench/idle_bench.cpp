// idle_bench.cpp - what a fiber that waits holds of memory, all of the scheduler counted in.
// SPDX-License-Identifier: BSL-1.0
// Ten thousand sleep; a million wait, are woken once each, and wait again.
#include "harness.hpp"
#include "memory.hpp"

#include <coir/coir.hpp>

#include <chrono>

namespace bench {
namespace {

// n fibers that run `body` are made; after `settle` they all wait, and `release` lets them end.
template <class Body, class Settle, class Release>
void hold(benchmark::State& state, std::size_t n, Body body, Settle settle, Release release) {
  if (available_memory() < 6000.0 * static_cast<double>(n)) {
    state.SkipWithError("too little memory is free for so many");
    return;
  }
  memory before = memory::now();
  coir::run(
      [&] {
        while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(n))) {
          for (std::size_t i = 0; i < n; ++i) coir::spawn(body);
          coir::this_fiber::yield();  // all have started
          settle();
        }
        before.count_growth(state, n);
        release();
      },
      {.stack_size = stack_size});
}

// The end of run() cancels them.
void sleepers(benchmark::State& state, std::size_t n) {
  hold(
      state, n, [] { coir::this_fiber::sleep_for(std::chrono::hours{1}); }, [] {}, [] {});
}

void woken_once(benchmark::State& state, std::size_t n) {
  coir::event first;
  coir::event second;
  std::size_t woken = 0;
  auto set = [](coir::event& e) {
    e.set();
    coir::this_fiber::yield();  // all have come to their next wait, or to their end
  };
  hold(
      state, n,
      [&] {
        first.wait();
        ++woken;
        second.wait();
      },
      [&] {
        set(first);
        if (woken != n) state.SkipWithError("not all were woken");
      },
      [&] { set(second); });
}

const rows table{[] {
  add("idle", "coir", &sleepers, 10'000, process::own);
  add("idle", "coir", &woken_once, 1'000'000, process::own, clock::processor, "woken");
}};

}  // namespace
}  // namespace bench
