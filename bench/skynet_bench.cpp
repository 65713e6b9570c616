// skynet_bench.cpp - a million leaves in a tree of ten children a node, whose numbers are added up.
// SPDX-License-Identifier: BSL-1.0
// The time is that of one leaf.
#include "memory.hpp"
#include "peers/coir_fiber.hpp"

#if BENCH_HAS_BOOST_FIBER
#include "peers/boost_fiber.hpp"
#endif

#include <sys/prctl.h>

#include <array>
#include <cstdint>

namespace bench {
namespace {

constexpr std::int64_t leaves = 1'000'000;
constexpr std::size_t children = 10;

// Each node waits for the end of its children.
template <class Peer>
std::int64_t by_join(std::int64_t first, std::int64_t count) {
  if (count == 1) return first;
  std::array<typename Peer::handle, children> parts;
  std::array<std::int64_t, children> sums;
  std::int64_t each = count / std::int64_t{children};
  for (std::size_t i = 0; i < children; ++i) {
    parts[i] = Peer::spawn([first, each, &sum = sums[i]] { sum = by_join<Peer>(first, each); });
    first += each;
  }
  std::int64_t total = 0;
  for (std::size_t i = 0; i < children; ++i) {
    Peer::join(parts[i]);
    total += sums[i];
  }
  return total;
}

// Each node has a channel from which it receives what its children send.
template <class Peer>
using channel = typename Peer::template buffered<std::int64_t>;

template <class Peer>
void by_channel(channel<Peer>& to, std::int64_t first, std::int64_t count) {
  if (count == 1) return to.send(first);
  channel<Peer> results{16};
  std::array<typename Peer::handle, children> parts;
  std::int64_t each = count / std::int64_t{children};
  for (auto& part : parts) {
    part = Peer::spawn([&results, first, each] { by_channel<Peer>(results, first, each); });
    first += each;
  }
  std::int64_t total = 0;
  for (std::size_t i = 0; i < children; ++i) {
    std::int64_t one = 0;
    results.receive(one);
    total += one;
  }
  for (auto& part : parts) Peer::join(part);
  to.send(total);
}

template <class Peer>
std::int64_t by_channel(std::int64_t first, std::int64_t count) {
  channel<Peer> result{16};
  by_channel<Peer>(result, first, count);
  std::int64_t total = 0;
  result.receive(total);
  return total;
}

template <class Peer, std::int64_t (*Sum)(std::int64_t, std::int64_t)>
void grow(benchmark::State& state, std::size_t) {
  // On huge pages whole stacks would be resident.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  Peer::run([&] {
    double before = proc_value("/proc/self/status", "VmRSS:");
    std::int64_t sum = 0;
    while (state.KeepRunningBatch(leaves)) sum = Sum(0, leaves);
    double peak = proc_value("/proc/self/status", "VmHWM:");
    state.counters["peak_megabytes"] = (peak - before) / 1e6;
    if (sum != leaves * (leaves - 1) / 2) state.SkipWithError("the sum is wrong");
  });
}

template <class Peer>
constexpr run joined = &grow<Peer, &by_join<Peer>>;
template <class Peer>
constexpr run sent = &grow<Peer, &by_channel<Peer>>;

const rows table{[] {
  add("skynet_join", "coir", joined<coir_fiber>, 0, process::own);
  add("skynet_join", "coir", joined<coir_fiber>, 0, process::own_single);
  add("skynet_join", "coir", joined<coir_fiber_2>, 0, process::own, clock::wall, "workers2");
#if BENCH_HAS_BOOST_FIBER
  add("skynet_join", "boost_fiber", joined<boost_fiber_at_once>, 0, process::own);
  add("skynet_join", "boost_fiber", joined<boost_fiber_at_once>, 0, process::own_single);
#endif
  add("skynet_channel", "coir", sent<coir_fiber>, 0, process::own);
#if BENCH_HAS_BOOST_FIBER
  add("skynet_channel", "boost_fiber", sent<boost_fiber_at_once>, 0, process::own);
#endif
}};

}  // namespace
}  // namespace bench
