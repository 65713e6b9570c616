// deadline.hpp - time as the scheduler knows it: a point on one monotonic clock.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>

namespace coir {
inline namespace v1 {

// What the standard asks of a type that is to be a clock.
template <class Clock>
concept clock_like = requires {
  typename Clock::rep;
  typename Clock::period;
  typename Clock::duration;
  typename Clock::time_point;
  Clock::is_steady;
  Clock::now();
}
&&std::same_as<typename Clock::duration, typename Clock::time_point::duration>;

// Nanoseconds on std::chrono::steady_clock, or on the virtual clock of a test.
class deadline {
 public:
  constexpr deadline() noexcept = default;  // never
  constexpr explicit deadline(std::int64_t nanoseconds) noexcept : at_(nanoseconds) {}

  static constexpr deadline never() noexcept { return deadline(); }
  static deadline now() noexcept;
  // Before all others: there is no need to look at the clock.
  static constexpr deadline passed() noexcept { return deadline(0); }

  // That long from now; a duration of zero or less has passed, one too long to count is never.
  template <class Rep, class Period>
  static deadline after(const std::chrono::duration<Rep, Period>& duration) noexcept {
    if (!(duration > duration.zero())) return passed();
    using seconds = std::chrono::duration<double>;
    if (std::chrono::duration_cast<seconds>(duration) > seconds(most_seconds)) return never();
    std::int64_t from = now().at_;
    auto wait = std::chrono::ceil<std::chrono::nanoseconds>(duration).count();
    return deadline(from + wait);
  }

  // The same point on any clock, as far as the two clocks agree now.
  template <class Clock, class Duration>
  static deadline at(const std::chrono::time_point<Clock, Duration>& time) noexcept {
    static_assert(clock_like<Clock>, "a point in time is on no clock");
    auto clock = Clock::now();
    return time > clock ? after(time - clock) : passed();
  }

  constexpr bool is_never() const noexcept { return at_ == never_; }
  constexpr std::int64_t nanoseconds() const noexcept { return at_; }
  friend constexpr auto operator<=>(const deadline&, const deadline&) noexcept = default;

 private:
  static constexpr std::int64_t never_ = std::numeric_limits<std::int64_t>::max();
  static constexpr double most_seconds = 4e9;  // beyond a century nobody waits

  std::int64_t at_ = never_;
};

}  // namespace v1
}  // namespace coir
