// runtime_statistics.hpp - what a runtime counts.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

// Since the runtime was made; each worker counts its own, so the sums are of slightly different
// moments.
struct runtime_statistics {
  std::uint64_t switches;
  std::uint64_t spawns;
  std::uint64_t steals;
  std::uint64_t parks;  // times a worker went to sleep
  std::uint64_t wakes;  // fibers made ready by another fiber of the same worker
  std::uint64_t live_fibers;
  std::size_t stack_bytes;  // address space of all stacks, in the whole process
};

}  // namespace v1
}  // namespace coir
