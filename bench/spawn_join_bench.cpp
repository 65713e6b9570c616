// spawn_join_bench.cpp - an empty fiber is spawned and joined; stacks are recycled.
// SPDX-License-Identifier: BSL-1.0
#include "peers/coir_fiber.hpp"
#include "peers/std_thread.hpp"

#if BENCH_HAS_BOOST_FIBER
#include "peers/boost_fiber.hpp"
#endif

namespace bench {
namespace {

constexpr std::size_t batch = 100;

template <class Peer>
void one_by_one(benchmark::State& state, std::size_t) {
  Peer::run([&] {
    while (state.KeepRunningBatch(batch)) {
      for (std::size_t i = 0; i < batch; ++i) {
        auto fiber = Peer::spawn([] {});
        Peer::join(fiber);
      }
    }
  });
}

const rows table{[] {
  add("spawn_join", "coir", &one_by_one<coir_fiber>);
  add("spawn_join", "coir", &one_by_one<coir_fiber>, 0, process::single);
#if BENCH_HAS_BOOST_FIBER
  add("spawn_join", "boost_fiber", &one_by_one<boost_fiber>);
  add("spawn_join", "boost_fiber", &one_by_one<boost_fiber>, 0, process::single);
  add("spawn_join", "boost_fiber", &one_by_one<boost_fiber_at_once>, 0, process::shared,
      clock::processor, "dispatch");
#endif
  add("spawn_join", "thread", &one_by_one<std_thread>, 0, process::shared, clock::wall);
}};

}  // namespace
}  // namespace bench
