// shape.cpp - how large a stack is that was asked for, and how it lies in its slot.
// SPDX-License-Identifier: BSL-1.0
#include "stack/shape.hpp"

#include "stack/mapping.hpp"

#include <bit>
#include <limits>
#include <stdexcept>

namespace coir {
inline namespace v1 {
namespace {

// Eight steps from one power of two to the next.
std::size_t round_to_step(std::size_t pages) noexcept {
  if (pages <= 8) return pages;
  return round_up(pages, std::bit_floor(pages - 1) / 8);
}

}  // namespace

stack_shape shape_for(const stack_options& asked) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 4;
  if (asked.size == 0)
    throw std::invalid_argument("coir::stack: a stack of 0 bytes; 16 KiB is a small one");
  if (asked.size > most || asked.guard_size > most - asked.size)
    throw std::invalid_argument("coir::stack: size and guard_size exceed any address space");

  const std::size_t page = page_size();
  std::size_t size = round_to_step(round_up(asked.size, page) / page) * page;
  std::size_t guard = round_up(asked.guard_size, page);
  std::size_t usable = size + round_up(color_span - color_step, page);
  if ((guard + usable) / page % 2 == 0) usable += page;
  return {size, guard, usable, guard + usable};
}

}  // namespace v1
}  // namespace coir
