// fiber_end.hpp - how a fiber begins and ends.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

namespace coir {
inline namespace v1 {

// The first frame of every fiber: runs the body, wakes who joins it, and leaves for good.
context::departure fiber_entry(context& self, context& resumer, void* word);

inline bool finished(const fiber& f) noexcept {
  // Acquire: pairs with the release when the end was announced; the result is seen.
  return f.state.load(std::memory_order_acquire) == fiber_state::finished;
}

// Has `w` decided and resumed at the end of f; false if that has come already.
bool notify_end(fiber& f, waiter& w) noexcept;

// Ends a fiber that never ran: with its `failure`, or as cancelled. Not under any lock or guard.
void abandon(fiber& fresh) noexcept;

}  // namespace v1
}  // namespace coir
