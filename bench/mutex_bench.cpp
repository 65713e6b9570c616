// mutex_bench.cpp - a mutex that is free, and one for which eight fibers wait.
// SPDX-License-Identifier: BSL-1.0
#include "peers/coir_fiber.hpp"
#include "peers/std_thread.hpp"

#if BENCH_HAS_BOOST_FIBER
#include "peers/boost_fiber.hpp"
#endif

#include <mutex>
#include <vector>

namespace bench {
namespace {

template <class Peer>
void uncontended(benchmark::State& state, std::size_t) {
  Peer::run([&] {
    typename Peer::mutex guard;
    while (state.KeepRunningBatch(round_trips)) {
      for (std::size_t i = 0; i < round_trips; ++i) {
        guard.lock();
        asm volatile("" ::: "memory");
        guard.unlock();
      }
    }
  });
}

// Each holds the mutex while it lets the others run, who then want it; n fibers are made anew for
// every 1000 turns of each.
template <class Peer>
void contended(benchmark::State& state, std::size_t n) {
  // Rows with a process of their own have one batch.
  std::size_t turns = state.max_iterations == 1 ? 20 * round_trips : round_trips;
  Peer::run([&] {
    typename Peer::mutex guard;
    std::size_t count = 0;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(n * turns))) {
      std::vector<typename Peer::handle> fibers;
      fibers.reserve(n);
      for (std::size_t i = 0; i < n; ++i) {
        fibers.push_back(Peer::spawn([&] {
          for (std::size_t turn = 0; turn < turns; ++turn) {
            std::lock_guard lock{guard};
            ++count;
            Peer::yield();
          }
        }));
      }
      for (auto& fiber : fibers) Peer::join(fiber);
    }
    benchmark::DoNotOptimize(count);
  });
}

const rows table{[] {
  add("mutex", "coir", &uncontended<coir_fiber>);
#if BENCH_HAS_BOOST_FIBER
  add("mutex", "boost_fiber", &uncontended<boost_fiber>);
#endif
  add("mutex", "thread", &uncontended<std_thread>);
  add("mutex_contended", "coir", &contended<coir_fiber>, 8);
  add("mutex_contended", "coir", &contended<coir_fiber_2>, 8, process::own, clock::wall,
      "workers2");
#if BENCH_HAS_BOOST_FIBER
  add("mutex_contended", "boost_fiber", &contended<boost_fiber>, 8);
  add("mutex_contended", "boost_fiber", &contended<boost_fiber_2>, 8, process::own, clock::wall,
      "workers2");
#endif
  add("mutex_contended", "thread", &contended<std_thread>, 8, process::shared, clock::wall);
}};

}  // namespace
}  // namespace bench
