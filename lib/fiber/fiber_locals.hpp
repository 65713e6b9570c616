// fiber_locals.hpp - what a fiber leaves behind when its body has ended.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

namespace coir {
inline namespace v1 {

// Destroys the fiber's values, the youngest first, on the fiber itself.
void destroy_fiber_locals(fiber& self) noexcept;

// After that: what at_thread_exit() was given.
void run_exit_calls(fiber& self) noexcept;

}  // namespace v1
}  // namespace coir
