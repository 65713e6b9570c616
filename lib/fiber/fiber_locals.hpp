// fiber_locals.hpp - the values of fiber_local, one table a fiber.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

namespace coir {
inline namespace v1 {

// Destroys the fiber's values, the youngest first, on the fiber itself.
void destroy_fiber_locals(fiber& self) noexcept;

}  // namespace v1
}  // namespace coir
