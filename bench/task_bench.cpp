// task_bench.cpp - what tasks cost beside the fibers below them: results, gathering, cancellation,
// timeouts.
// SPDX-License-Identifier: BSL-1.0
#include "peers/coir_fiber.hpp"

#if BENCH_HAS_BOOST_FIBER
#include "peers/boost_fiber.hpp"
#endif

#include <chrono>
#include <cstddef>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t batch = 100;
constexpr std::size_t crowd = 1'000;
constexpr std::size_t sleepers = 100'000;

template <class Peer>
void spawn_and_get(benchmark::State& state, std::size_t) {
  Peer::run([&] {
    int sum = 0;
    while (state.KeepRunningBatch(batch)) {
      for (std::size_t i = 0; i < batch; ++i) sum += Peer::async([] { return 1; }).get();
    }
    benchmark::DoNotOptimize(sum);
  });
}

template <class Peer>
void gather_crowd(benchmark::State& state, std::size_t) {
  Peer::run([&] {
    while (state.KeepRunningBatch(crowd)) {
      std::vector<typename Peer::template future<int>> tasks;
      tasks.reserve(crowd);
      for (std::size_t i = 0; i < crowd; ++i) tasks.push_back(Peer::async([] { return 1; }));
      std::vector<int> results = Peer::gather(tasks);
      benchmark::DoNotOptimize(results.data());
    }
  });
}

enum class stop_clock { after_the_calls, after_the_ends };

// One fiber cancels all the others, which sleep for an hour.
template <stop_clock When>
void cancel_sleepers(benchmark::State& state, std::size_t) {
  coir_fiber::run([&] {
    std::vector<coir::task<void>> tasks;
    tasks.reserve(sleepers);
    for (std::size_t i = 0; i < sleepers; ++i)
      tasks.push_back(coir::spawn([] { coir::this_fiber::sleep_for(std::chrono::hours(1)); }));
    coir::this_fiber::yield();
    while (state.KeepRunningBatch(sleepers)) {
      for (auto& t : tasks) t.cancel();
      if (When == stop_clock::after_the_ends)
        for (auto& t : tasks) t.join();
    }
    for (auto& t : tasks) t.join();
  });
}

template <class Call>
void call_by_call(benchmark::State& state, Call call) {
  coir_fiber::run([&] {
    while (state.KeepRunningBatch(batch)) {
      for (std::size_t i = 0; i < batch; ++i) call();
    }
  });
}

// Both are functions that the compiler does not look into.
[[gnu::noinline]] int returns() {
  int one = 1;
  benchmark::DoNotOptimize(one);
  return one;
}
[[gnu::noinline]] int yields() {
  coir::this_fiber::yield();
  return 1;
}

template <int (*Body)()>
void bare(benchmark::State& state, std::size_t) {
  call_by_call(state, [] { benchmark::DoNotOptimize(Body()); });
}

template <int (*Body)()>
void in_time(benchmark::State& state, std::size_t) {
  call_by_call(
      state, [] { benchmark::DoNotOptimize(coir::with_timeout(std::chrono::seconds(10), Body)); });
}

const rows table{[] {
  add("spawn_get", "coir", &spawn_and_get<coir_fiber>);
  add("task_gather", "coir", &gather_crowd<coir_fiber>);
#if BENCH_HAS_BOOST_FIBER
  add("spawn_get", "boost_fiber", &spawn_and_get<boost_fiber>);
  add("spawn_get", "boost_fiber", &spawn_and_get<boost_fiber_at_once>, 0, process::shared,
      clock::processor, "dispatch");
  add("task_gather", "boost_fiber", &gather_crowd<boost_fiber>);
  add("task_gather", "boost_fiber", &gather_crowd<boost_fiber_at_once>, 0, process::shared,
      clock::processor, "dispatch");
#endif
  add("task_cancel", "coir", &cancel_sleepers<stop_clock::after_the_calls>, 0, process::own);
  add("task_cancel", "coir", &cancel_sleepers<stop_clock::after_the_ends>, 0, process::own,
      clock::processor, "ended");
  add("with_timeout", "coir", &in_time<&returns>, 0, process::shared, clock::processor, "returns");
  add("with_timeout", "coir", &bare<&returns>, 0, process::shared, clock::processor,
      "returns_bare");
  add("with_timeout", "coir", &in_time<&yields>, 0, process::shared, clock::processor, "yields");
  add("with_timeout", "coir", &bare<&yields>, 0, process::shared, clock::processor, "yields_bare");
}};

}  // namespace
}  // namespace bench
