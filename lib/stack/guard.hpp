// guard.hpp - which kind of guard a stack gets, and how many of the costly kind there may be.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace coir {
inline namespace v1 {

// A light guard is a mark in the page table. A heavy one splits its mapping, and a process may have
// so many mappings only: three quarters of them at most become guards here, the rest is for the
// program.
enum class guard_result {
  light,
  heavy,
  none_left,  // the budget of mappings is used up, or the kernel refused
};

// Makes whole pages a guard, for good. `try_light` is false where a mapping refused it before.
// One at a time: many in one process_madvise cost 0.3 us less each, of 2.8 us for a new stack, but
// most programs would pay for guards of stacks that they never use.
[[nodiscard]] guard_result put_guard(std::byte* base, std::size_t bytes, bool try_light) noexcept;

// Whether the kernel has light guards, for memory that is not locked.
bool light_guards() noexcept;

// For tests: what the kernel is taken to offer from here on.
struct guard_limits {
  bool light;
  std::size_t mappings;  // that heavy guards may still cost
};
void set_guard_limits(guard_limits limits) noexcept;

}  // namespace v1
}  // namespace coir
