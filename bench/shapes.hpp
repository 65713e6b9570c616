// shapes.hpp - the shapes in which contexts switch, each written once for all subjects.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "harness.hpp"

#include <coir/stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <type_traits>
#include <vector>

namespace bench {

// How a link travels through calls: in registers where it can, else by its address.
template <class Link>
struct referred {
  Link* link;
  [[gnu::always_inline]] void swap() { link->swap(); }
};
template <class Link>
auto travelling(Link& link) {
  if constexpr (std::is_trivially_copyable_v<Link>) {
    return link;
  } else {
    return referred<Link>{&link};
  }
}

// Goes `Depth` calls down and switches there, so that as many returns follow the switch. None of
// the calls is inlined, and none is a jump.
template <int Depth, class Link>
[[gnu::noinline]] Link switch_below(Link link) {
  if constexpr (Depth == 1) {
    link.swap();
  } else {
    link = switch_below<Depth - 1>(link);
  }
  asm volatile("" ::: "memory");
  return link;
}

// The loop over it, one copy for all who share it: no caller's `times` is known to the compiler.
template <class Link>
[[gnu::noinline]] Link switch_below_times(Link link, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) link = switch_below<4>(link);
  return link;
}

// What a context does: it switches back for ever, at once or four frames down.
struct switches_at_once {
  static constexpr bool deep = false;
  template <class Link>
  [[gnu::always_inline]] void operator()(Link& link) const {
    for (;;) link.swap();
  }
};

struct switches_below {
  static constexpr bool deep = true;
  template <class Link>
  [[gnu::always_inline]] void operator()(Link& link) const {
    std::size_t times = std::numeric_limits<std::size_t>::max();
    benchmark::DoNotOptimize(times);
    auto sent = travelling(link);
    for (;;) sent = switch_below_times(sent, times);
  }
};

// Two sites:      main                      context
//                 for (;;) swap();   <-->   for (;;) swap();
template <class Peer>
void two_sites(benchmark::State& state, std::size_t) {
  typename Peer::template pair<switches_at_once> pair;
  typename Peer::link link = pair.begin();
  link.swap();
  while (state.KeepRunningBatch(2 * round_trips)) {
    for (std::size_t i = 0; i < round_trips; ++i) link.swap();
  }
}

// The same code:  main and context both run  loop -> f4 -> f3 -> f2 -> f1 -> swap(),  so that all
//                 four returns of one are those of the other.
template <class Peer>
void same_code(benchmark::State& state, std::size_t) {
  typename Peer::template pair<switches_below> pair;
  typename Peer::link link = pair.begin();
  std::size_t times = round_trips;
  benchmark::DoNotOptimize(times);
  auto sent = travelling(link);
  sent = switch_below<4>(sent);
  while (state.KeepRunningBatch(2 * round_trips)) {
    sent = switch_below_times(sent, times);
  }
}

enum class order { made, shuffled };

// Entries past the end that a prefetch may look at.
inline constexpr std::size_t lookahead = 24;

inline std::vector<std::uint32_t> numbers(std::size_t n, order by) {
  std::vector<std::uint32_t> list(n);
  std::iota(list.begin(), list.end(), 0U);
  if (by == order::shuffled) {
    std::mt19937 random{20240229};
    std::shuffle(list.begin(), list.end(), random);
  }
  return list;
}

// Below this many their memory is in the cache anyway: nobody fetches ahead.
inline constexpr std::size_t fetched_ahead_from = 4096;

// A scheduler and n contexts, found one after the other through an array:
//
//     line   [ * | * | * | ... ]      in the order of resumption
//              |   |   '--> context, on its stack
//              |   '------> ...
//
// Peer::party makes the contexts and the array. The loop over the array is no function of its own:
// its call would come between the calls that contexts have made and their returns.
template <class Peer, class Body, bool Fetch>
[[gnu::always_inline]] inline void passes(benchmark::State& state, std::size_t n,
                                          typename Peer::home& home, auto* line) {
  // A million gets one batch, see process::own.
  std::size_t times = n < 1'000'000 ? std::max<std::size_t>(1, round_trips / n) : 4;
  auto switches = static_cast<benchmark::IterationCount>(2 * n * times);
  auto* end = line + n;
  while (state.KeepRunningBatch(switches)) {
    for (std::size_t i = 0; i < times; ++i) {
      for (auto* at = line; at != end; ++at) {
        if constexpr (Fetch) Peer::template prefetch<Body>(at);
        Peer::resume(home, *at);
      }
    }
  }
}

template <class Peer, class Body, order By>
void crowd(benchmark::State& state, std::size_t n) {
  typename Peer::template party<Body> party{numbers(n, By)};
  typename Peer::home home;
  auto* line = party.line();
  for (std::size_t i = 0; i < n; ++i) Peer::resume(home, line[i]);
  if (n < fetched_ahead_from) {
    passes<Peer, Body, false>(state, n, home, line);
  } else {
    passes<Peer, Body, true>(state, n, home, line);
  }
}

// n stacks in one go.
class stacks {
 public:
  explicit stacks(std::size_t n) {
    list_.reserve(n);
    for (std::size_t i = 0; i < n; ++i) list_.emplace_back(coir::stack_options{.size = stack_size});
  }
  coir::stack& operator[](std::size_t i) { return list_[i]; }

 private:
  std::vector<coir::stack> list_;
};

}  // namespace bench
