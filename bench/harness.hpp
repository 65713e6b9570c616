// harness.hpp - how a benchmark file adds its rows, and what every shape shares.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>

namespace bench {

// A row is named <operation>/<subject>[/<n>][/<variant>]. The time reported is that of one
// operation: a run counts its iterations by KeepRunningBatch(operations).
using run = void (*)(benchmark::State& state, std::size_t n);

// What is measured: time on the processor, time on the wall where several threads take part, or
// what the row says itself by SetIterationTime.
enum class clock { processor, wall, manual };

// Where a row runs. One that fills memory, or that starts threads for good, gets a process of its
// own. A second thread sleeps in every process, so that no subject gets away without its atomics;
// there is none in those of `single` and `own_single`, and the names of their rows end in /single.
//
//     shared       with all the others that are shared
//     own          alone; measured once, its first batch is all there is
//     single       with all the others that are single
//     own_single   as own
enum class process { shared, own, single, own_single };

// Adds one row; n of 0 and an empty variant are left out of its name.
//
//     const bench::rows rows{[] { bench::add("switch", "coir", &measure<coir_peer>); }};
void add(const char* operation, const char* subject, run measure, std::size_t n = 0,
         process where = process::shared, clock by = clock::processor, const char* variant = "");

// Says what a subject is and which of its settings it runs with; the report prints it.
struct subject {
  subject(const char* name, std::string settings);
};

struct rows {
  explicit rows(void (*add_them)()) { add_them(); }
};

// Round trips between two looks at the clock, of the shapes that switch between two contexts.
inline constexpr std::size_t round_trips = 1000;

inline constexpr std::size_t stack_size = 64 * 1024;

}  // namespace bench
