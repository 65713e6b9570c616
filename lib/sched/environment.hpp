// environment.hpp - fibers that take their floating-point environment along (preserve_fenv).
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

#include <cfenv>

namespace coir {
inline namespace v1 {

// Such a fiber swaps the environment itself, on both sides of its switches: the others, and the
// worker's loop, need not know. While it runs, its worker keeps what it found, for them.
//
//     worker_core::environment   of the thread, while the fiber runs
//     on the fiber's own stack   of the fiber, while it does not
//
// The quick paths do not ask. To make it take the general ones, which do, its worker looks
// meanwhile at a record of exceptions that says that one is live.

// In place of fiber_entry.
context::departure entry_with_environment(context& self, context& resumer, void* word);

// Before the running fiber is left: takes its environment, and gives the worker its own back.
void leave_environment(std::fenv_t& own) noexcept;

// After that, on whatever worker it runs now.
void enter_environment(const std::fenv_t& own) noexcept;

}  // namespace v1
}  // namespace coir
