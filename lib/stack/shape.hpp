// shape.hpp - how large a stack is that was asked for, and how it lies in its slot.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/stack.hpp>

#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

// One slot. Addresses grow to the right, the stack grows to the left:
//
//     |<------------------------- stride --------------------------->|
//     |<-- guard -->|<------------------- usable ------------------->|
//     |             |<--------------- size or more --------->|       |
//     +-------------+----------------------------------------+-------+
//     | any access  |                                        | color |
//     | is a fault  |              the stack                 |       |
//     +-------------+----------------------------------------+-------+
//                   limit                                    top
//
// Sizes come in eight steps per doubling, so that sizes that hardly differ share their free stacks.
// The stride is an odd number of pages and the tops are colored: with an even stride, or with all
// tops at the same place in their page, a thousand idle stacks would meet in a few sets of the
// first-level cache and the TLB.
struct stack_shape {
  std::size_t size;    // the most that one may ask for and get this
  std::size_t guard;   // the same, of the guard
  std::size_t usable;  // size, room for the color, and a page more where that makes stride odd
  std::size_t stride;  // guard + usable

  friend bool operator==(const stack_shape& a, const stack_shape& b) noexcept {
    return a.size == b.size && a.guard == b.guard;
  }
};

// Colors stay within the upper half of the smallest page, so that an idle computation still fits
// in the page of its top.
inline constexpr std::size_t color_step = 64;
inline constexpr std::size_t color_span = 2048;

inline std::size_t color_of(std::size_t index) noexcept {
  return index * color_step % color_span;
}

// The end of the slot that a colored top lies in.
inline std::byte* end_of_slot(std::byte* top) noexcept {
  static_assert((color_span & (color_span - 1)) == 0);
  auto address = reinterpret_cast<std::uintptr_t>(top);
  return top + (-address & (color_span - 1));
}

// Throws std::invalid_argument for a size of 0 or one that no address space can hold.
stack_shape shape_for(const stack_options& asked);

}  // namespace v1
}  // namespace coir
