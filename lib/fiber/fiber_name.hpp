// fiber_name.hpp - what a fiber is called.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

#include <string>
#include <string_view>

namespace coir {
inline namespace v1 {

// The name it was given, else "fiber-" and its number. Any thread, also while the fiber ends.
std::string name_of(fiber& f);
void name_fiber(fiber& f, std::string_view name);

}  // namespace v1
}  // namespace coir
