// timers_bench.cpp - a million fibers sleep, and are woken spread over two seconds.
// SPDX-License-Identifier: BSL-1.0
// The time is what the processor spends on one sleeper, from the call until it waits for the
// others' end.
#include "memory.hpp"
#include "peers/coir_fiber.hpp"

#if BENCH_HAS_BOOST_FIBER
#include "peers/boost_fiber.hpp"
#endif

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <random>
#include <vector>

namespace bench {
namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

constexpr std::size_t sleepers = 1'000'000;

// All have started and stand in the queue when the clock is started, and none has ended when it is
// stopped. `lead` is the time in which they go to sleep, before the first is to be woken.
template <class Peer>
void sleep_all(benchmark::State& state, std::size_t) {
  constexpr milliseconds lead{1000};
  constexpr milliseconds span{2000};
  if (available_memory() < 9000.0 * sleepers) {
    state.SkipWithError("too little memory is free for so many");
    return;
  }
  // On huge pages whole stacks would be resident.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  std::vector<float> late;
  late.reserve(sleepers);
  Peer::run([&] {
    typename Peer::mutex guard;
    typename Peer::condition_variable all_woken;
    typename Peer::condition_variable ended;
    bool over = false;
    steady::time_point begin;
    std::mt19937 random{20240229};
    std::uniform_real_distribution<double> within{0.0, 1.0};
    std::vector<typename Peer::handle> fibers;
    fibers.reserve(sleepers);
    for (std::size_t i = 0; i < sleepers; ++i) {
      auto after = std::chrono::duration_cast<steady::duration>(lead + within(random) * span);
      fibers.push_back(Peer::spawn([&, after] {
        Peer::yield();
        steady::time_point wanted = begin + after;
        Peer::sleep_until(wanted);
        std::chrono::duration<float, std::milli> too_long = steady::now() - wanted;
        std::unique_lock lock{guard};
        late.push_back(too_long.count());
        if (late.size() == sleepers) all_woken.notify_one();
        while (!over) ended.wait(lock);
      }));
    }
    Peer::yield();
    while (state.KeepRunningBatch(sleepers)) {
      begin = steady::now();
      std::unique_lock lock{guard};
      while (late.size() != sleepers) all_woken.wait(lock);
    }
    {
      std::lock_guard lock{guard};
      over = true;
    }
    ended.notify_all();
    for (auto& fiber : fibers) Peer::join(fiber);
  });
  auto p99 = late.begin() + sleepers / 100 * 99;
  std::nth_element(late.begin(), p99, late.end());
  state.counters["p99_late_ms"] = static_cast<double>(*p99);
}

const rows table{[] {
  add("timers", "coir", &sleep_all<coir_fiber>, 0, process::own);
#if BENCH_HAS_BOOST_FIBER
  add("timers", "boost_fiber", &sleep_all<boost_fiber_crowd>, 0, process::own);
#endif
}};

}  // namespace
}  // namespace bench
