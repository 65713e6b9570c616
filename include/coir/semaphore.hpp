// semaphore.hpp - a number of permits to take and to give back.
// SPDX-License-Identifier: BSL-1.0
// Budget: acquire() and release() are one read-modify-write each, unless somebody waits.
#pragma once

#include <coir/this_fiber.hpp>
#include <coir/try_until.hpp>
#include <coir/vain_attempt.hpp>
#include <coir/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

// Any number of permits.
//
//     coir::semaphore at_once{10};
//     ...
//     at_once.acquire();
//     fetch(url);
//     at_once.release();
//
// Blocking         acquire() suspends the fiber, or blocks the plain thread, that calls it.
// Order            first come, first served: a permit given back goes to the one that waits
//                  longest, and who comes later does not get it.
// Memory ordering  what was done before release() is visible after the acquire() that got it.
// Lifetime         may be destroyed as soon as nobody waits: a release() whose permit was acquired
//                  is done with it.
// Cancellation     acquire(), try_acquire_for(), try_acquire_until() are cancellation points.
// Throws           std::invalid_argument for a negative number, std::logic_error for more permits
//                  than there may be.
class semaphore {
 public:
  constexpr explicit semaphore(std::ptrdiff_t permits) : state_(checked(permits)) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  static constexpr std::ptrdiff_t(max)() noexcept { return PTRDIFF_MAX; }

  void acquire() {
    if (worker* here = current_worker()) check_cancelled(*here);
    if (!take()) acquire_slowly(deadline::never());
  }

  bool try_acquire() noexcept { return take() || attempt_failed(); }

  template <class Rep, class Period>
  bool try_acquire_for(const std::chrono::duration<Rep, Period>& duration) {
    return acquire_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool try_acquire_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [this](deadline until) { return acquire_deadline(until); });
  }

  void release(std::ptrdiff_t permits = 1) { give(permits, (max)()); }

 protected:
  // Throws std::logic_error where there would be more than `limit`.
  void give(std::ptrdiff_t permits, std::ptrdiff_t limit) {
    // Relaxed: the exchange below decides.
    std::size_t state = state_.load(std::memory_order_relaxed);
    // Release: pairs with the acquire in take(); the last touch.
    if (permits != 1 || (state & waiting_bit) != 0 || state / one >= std::size_t(limit) ||
        !state_.compare_exchange(state, state + one, std::memory_order_release)) [[unlikely]]
      give_slowly(permits, limit);
  }

 private:
  // state_: permits * one, or waiting_bit and no permits. The bit is set under lock_; with it, the
  // word changes only under lock_. Maybe nobody waits any more.
  static constexpr std::size_t waiting_bit = 1;
  static constexpr std::size_t one = 2;

  static constexpr std::size_t checked(std::ptrdiff_t permits) {
    if (permits < 0) refuse_negative();
    return static_cast<std::size_t>(permits) * one;
  }
  [[noreturn]] static void refuse_negative();

  bool take() noexcept {
    // Relaxed: the exchange below decides.
    std::size_t state = state_.load(std::memory_order_relaxed);
    while (state >= one && (state & waiting_bit) == 0) {
      // Acquire: pairs with the release in give().
      if (state_.compare_exchange(state, state - one, std::memory_order_acquire)) return true;
    }
    return false;
  }

  bool acquire_deadline(deadline until) {
    if (worker* here = current_worker()) check_cancelled(*here);
    return take() || acquire_slowly(until);
  }
  bool acquire_slowly(deadline until);
  void give_slowly(std::ptrdiff_t permits, std::ptrdiff_t limit);

  shared_word<std::size_t> state_;
  spinlock lock_;  // guards waiters_
  wait_list waiters_;
};

// A semaphore whose permits never exceed those it began with: release() beyond is std::logic_error.
class bounded_semaphore : public semaphore {
 public:
  constexpr explicit bounded_semaphore(std::ptrdiff_t permits)
      : semaphore(permits), bound_(permits) {}

  void release(std::ptrdiff_t permits = 1) { give(permits, bound_); }

 private:
  const std::ptrdiff_t bound_;
};

// std::counting_semaphore. A release() beyond max(), or beyond the number that it began with where
// that is more, is std::logic_error.
template <std::ptrdiff_t LeastMaxValue = PTRDIFF_MAX>
class counting_semaphore : private semaphore {
  static_assert(LeastMaxValue >= 0);

 public:
  constexpr explicit counting_semaphore(std::ptrdiff_t desired)
      : semaphore(desired), bound_(desired > LeastMaxValue ? desired : LeastMaxValue) {}

  static constexpr std::ptrdiff_t(max)() noexcept { return LeastMaxValue; }

  using semaphore::acquire;
  using semaphore::try_acquire;
  using semaphore::try_acquire_for;
  using semaphore::try_acquire_until;
  void release(std::ptrdiff_t update = 1) { give(update, bound_); }

 private:
  const std::ptrdiff_t bound_;
};

using binary_semaphore = counting_semaphore<1>;

}  // namespace v1
}  // namespace coir
