// yield_bench.cpp - n fibers that give way to each other in turn.
// SPDX-License-Identifier: BSL-1.0
#include "memory.hpp"
#include "peers/coir_fiber.hpp"
#include "peers/std_thread.hpp"

#if BENCH_HAS_BOOST_FIBER
#include "peers/boost_fiber.hpp"
#endif

#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

namespace bench {
namespace {

// One copy for all fibers, so that each returns through the calls of the one before it.
template <class Peer>
[[gnu::noinline]] void yield_times(std::size_t times, const std::atomic<bool>& over) {
  for (; times != 0 && !over.load(std::memory_order_relaxed); --times) Peer::yield();
}

// One of the n counts: while it yields once, so does everyone.
template <class Peer>
void in_turn(benchmark::State& state, std::size_t n) {
  // On huge pages whole stacks would be resident.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  if (available_memory() < 9000.0 * static_cast<double>(n)) {
    state.SkipWithError("too little memory is free for so many");
    return;
  }
  Peer::run([&] {
    std::atomic<bool> over{false};
    std::vector<typename Peer::handle> others;
    others.reserve(n);
    for (std::size_t i = 1; i < n; ++i) {
      others.push_back(
          Peer::spawn([&] { yield_times<Peer>(std::numeric_limits<std::size_t>::max(), over); }));
    }
    yield_times<Peer>(2, over);  // all have started
    std::size_t turns = std::max<std::size_t>(4, 2 * round_trips / n);
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(turns * n))) {
      yield_times<Peer>(turns, over);
    }
    over = true;
    for (auto& other : others) Peer::join(other);
  });
}

template <class Peer>
void two_sites(benchmark::State& state, std::size_t) {
  Peer::run([&] {
    std::atomic<bool> over{false};
    auto other = Peer::spawn([&] {
      while (!over.load(std::memory_order_relaxed)) Peer::yield();
    });
    while (state.KeepRunningBatch(2 * round_trips)) {
      for (std::size_t i = 0; i < round_trips; ++i) Peer::yield();
    }
    over = true;
    Peer::join(other);
  });
}

const rows table{[] {
  add("yield", "coir", &in_turn<coir_fiber>, 2);
  add("yield", "coir", &in_turn<coir_fiber>, 1000);
  add("yield", "coir", &in_turn<coir_fiber>, 100'000, process::own);
  add("yield", "coir", &in_turn<coir_fiber>, 1'000'000, process::own);
  // The fiber that counts shares its worker with all but the hog, and so stays where it is.
  add("yield", "coir", &in_turn<coir_fiber_beside_hog>, 2, process::shared, clock::processor,
      "workers2");
  add("yield", "coir", &in_turn<coir_fiber_beside_hog>, 1000, process::shared, clock::processor,
      "workers2");
#if BENCH_HAS_BOOST_FIBER
  add("yield", "boost_fiber", &in_turn<boost_fiber>, 2);
  add("yield", "boost_fiber", &in_turn<boost_fiber_crowd>, 1000);
  add("yield", "boost_fiber", &in_turn<boost_fiber_crowd>, 100'000, process::own);
  add("yield", "boost_fiber", &in_turn<boost_fiber_crowd>, 1'000'000, process::own);
#endif
  add("yield", "thread", &in_turn<std_thread>, 2, process::shared, clock::wall);
  add("yield_two_sites", "coir", &two_sites<coir_fiber>, 2);
#if BENCH_HAS_BOOST_FIBER
  add("yield_two_sites", "boost_fiber", &two_sites<boost_fiber>, 2);
#endif
}};

}  // namespace
}  // namespace bench
