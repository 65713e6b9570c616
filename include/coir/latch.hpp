// latch.hpp - a number of things that must happen before any goes on.
// SPDX-License-Identifier: BSL-1.0
// Budget: count_down() is one read-modify-write, wait() at zero one load.
#pragma once

#include <coir/this_fiber.hpp>
#include <coir/try_until.hpp>
#include <coir/wait.hpp>

#include <chrono>
#include <cstddef>

namespace coir {
inline namespace v1 {

// std::latch: counts down to zero once.
//
//     coir::latch ready{3};
//     for (int i = 0; i < 3; ++i) coir::spawn([&] { prepare(); ready.count_down(); });
//     ready.wait();
//
// Blocking         wait() suspends the fiber, or blocks the plain thread, that calls it.
// Memory ordering  what was done before each count_down() is visible after wait().
// Lifetime         may be destroyed as soon as every wait() has returned: count_down() is done.
// Cancellation     all waits are cancellation points; arrive_and_wait() is one before it arrives,
//                  and has arrived if it is cancelled later.
// Throws           std::logic_error for a count below zero.
class latch {
 public:
  constexpr explicit latch(std::ptrdiff_t expected) : state_(checked(expected)) {}
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;

  static constexpr std::ptrdiff_t(max)() noexcept { return PTRDIFF_MAX; }

  void count_down(std::ptrdiff_t update = 1) {
    const std::size_t change = checked(update);
    // Relaxed: the exchange decides.
    std::size_t state = state_.load(std::memory_order_relaxed);
    while (state >= change && state != (change | waiting_bit)) {
      // Release: pairs with the acquire in try_wait(); at zero the last touch.
      if (state_.compare_exchange(state, state - change, std::memory_order_release)) return;
    }
    open(change, state);
  }

  bool try_wait() const noexcept {
    // Acquire: pairs with the release of each count_down().
    return state_.load(std::memory_order_acquire) == 0;
  }

  void wait() const {
    if (worker* here = current_worker()) check_cancelled(*here);
    if (!try_wait()) wait_slowly(deadline::never());
  }

  // Whether it came to zero in time.
  template <class Rep, class Period>
  bool wait_for(const std::chrono::duration<Rep, Period>& duration) const {
    return wait_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool wait_until(const std::chrono::time_point<Clock, Duration>& time) const {
    return try_until(time, [this](deadline until) { return wait_deadline(until); });
  }

  void arrive_and_wait(std::ptrdiff_t update = 1) {
    if (worker* here = current_worker()) check_cancelled(*here);
    count_down(update);
    if (!try_wait()) wait_slowly(deadline::never());
  }

 private:
  // state_: the count * one, and with some left waiting_bit, set under lock_: somebody may wait.
  static constexpr std::size_t waiting_bit = 1;
  static constexpr std::size_t one = 2;

  static constexpr std::size_t checked(std::ptrdiff_t count) {
    if (count < 0) refuse_below_zero();
    return static_cast<std::size_t>(count) * one;
  }
  [[noreturn]] static void refuse_below_zero();

  bool wait_deadline(deadline until) const {
    if (worker* here = current_worker()) check_cancelled(*here);
    return try_wait() || wait_slowly(until);
  }
  bool wait_slowly(deadline until) const;
  void open(std::size_t change, std::size_t state);

  mutable shared_word<std::size_t> state_;
  mutable spinlock lock_;  // guards waiters_
  mutable wait_list waiters_;
};

}  // namespace v1
}  // namespace coir
