// clock.hpp - the scheduler's clock, and the virtual one that tests put in its place.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace coir {
inline namespace v1 {

// Nanoseconds on std::chrono::steady_clock, or on the virtual clock while it is on.
std::int64_t clock_now() noexcept;

// The same to some milliseconds, for a fifth of the price.
std::int64_t clock_roughly() noexcept;

// The real one, whatever the virtual one says.
std::int64_t steady_now() noexcept;

// The virtual clock stands still until advance_virtual_clock() moves it; turned on and off by one
// thread while no runtime runs.
bool virtual_clock_on() noexcept;
void set_virtual_clock(bool on) noexcept;
void advance_virtual_clock(std::int64_t to) noexcept;

}  // namespace v1
}  // namespace coir
