// try_until.hpp - a point in time on any clock, for a wait that knows only deadlines.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/deadline.hpp>

#include <chrono>
#include <type_traits>

namespace coir {
inline namespace v1 {

// Whether attempt(deadline) succeeded. A clock that was set back meanwhile gets another attempt.
template <class Clock, class Duration, class Attempt>
bool try_until(const std::chrono::time_point<Clock, Duration>& time, Attempt attempt) {
  while (!attempt(deadline::at(time))) {
    if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
      return false;
    } else {
      if (!(Clock::now() < time)) return false;
    }
  }
  return true;
}

}  // namespace v1
}  // namespace coir
