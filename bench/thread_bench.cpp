// thread_bench.cpp - the threads facade beside std::thread, from one source.
// SPDX-License-Identifier: BSL-1.0
// What threads do to each other is in mutex_bench.cpp and condvar_bench.cpp; programs as a whole
// are timed by ported.py.
#include "memory.hpp"
#include "peers/coir_fiber.hpp"
#include "peers/std_thread.hpp"

#include <coir/thread.hpp>

#include <mutex>
#include <thread>
#include <vector>

namespace bench {
namespace {

// On one worker, or one processor.
template <class Peer, class Thread>
void create_and_join(benchmark::State& state, std::size_t) {
  Peer::run([&] {
    while (state.KeepRunningBatch(round_trips))
      for (std::size_t i = 0; i < round_trips; ++i) Thread([] {}).join();
  });
}

template <class Peer>
struct crowd {
  typename Peer::mutex guard;
  typename Peer::condition_variable last_is_here;
  typename Peer::condition_variable never;
  std::size_t here = 0;
};

// All wait for a condition that never comes; the process ends over them, and over what they wait
// for.
template <class Peer, class Thread>
void all_alive(benchmark::State& state, std::size_t n) {
  if (available_memory() < 40'000.0 * static_cast<double>(n)) {
    state.SkipWithError("too little memory is free for so many");
    return;
  }
  auto& all = *new crowd<Peer>;
  auto& threads = *new std::vector<Thread>;
  memory before = memory::now();
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(n))) {
    threads.reserve(n);
    std::unique_lock lock{all.guard};
    for (std::size_t i = 0; i < n; ++i)
      threads.emplace_back([&all, n] {
        std::unique_lock own{all.guard};
        if (++all.here == n) all.last_is_here.notify_one();
        while (true) all.never.wait(own);
      });
    all.last_is_here.wait(lock, [&] { return all.here == n; });
  }
  before.count_growth(state, n);
}

const rows table{[] {
  add("thread_join", "coir", &create_and_join<coir_fiber, coir::thread>);
  add("thread_join", "thread", &create_and_join<std_thread, std::thread>, 0, process::shared,
      clock::wall);
  add("thread_alive", "coir", &all_alive<coir_fiber, coir::thread>, 10'000, process::own,
      clock::wall);
  add("thread_alive", "thread", &all_alive<std_thread, std::thread>, 10'000, process::own,
      clock::wall);
}};

}  // namespace
}  // namespace bench
