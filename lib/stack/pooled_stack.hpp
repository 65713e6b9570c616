// pooled_stack.hpp - a stack of the pool in one word: where it lies is in its record.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/stack.hpp>

#include <cstddef>

#include "stack/reservation.hpp"
#include "stack/size_class.hpp"

namespace coir {
inline namespace v1 {

// Throws as stack's constructor.
pooled_stack take_stack(const stack_options& options);

inline std::byte* limit_of(const stack_slot& pooled) noexcept {
  return pooled.limit_in(pooled.home->shape());
}

}  // namespace v1
}  // namespace coir
