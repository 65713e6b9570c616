// event.hpp - one fiber says that something happened; any number wait to hear it.
// SPDX-License-Identifier: BSL-1.0
// Budget: set() with nobody waiting is one read-modify-write, wait() when set is one load.
#pragma once

#include <coir/this_fiber.hpp>
#include <coir/try_until.hpp>
#include <coir/wait.hpp>

#include <chrono>
#include <cstdint>

namespace coir {
inline namespace v1 {

class event_source;

// A flag that can be waited for. Stays set until reset().
//
//     coir::event loaded;
//     auto t = coir::spawn([&] { load(); loaded.set(); });
//     loaded.wait();
//
// Blocking         wait() suspends the fiber, or blocks the plain thread, that calls it.
// Memory ordering  what was done before set() is visible after the wait() that it ended, and after
//                  an is_set() that is true.
// Lifetime         may be destroyed as soon as every wait() has returned: set() is done with it.
// Cancellation     wait(), wait_for(), wait_until() are cancellation points.
// Cost             no allocation: a waiter lives on the stack of its fiber.
class event {
 public:
  constexpr event() noexcept = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  void set() noexcept {
    std::uint32_t state = 0;
    // Release: pairs with the acquire of who finds it set; the last touch.
    if (!state_.compare_exchange(state, set_bit, std::memory_order_release) && state != set_bit)
      set_slowly();
  }

  // Those that come later wait again; those that were waiting when it was set go on.
  void reset() noexcept {
    std::uint32_t state = set_bit;
    // Acquire, which a failure costs anyhow: nothing is handed over.
    state_.compare_exchange(state, 0, std::memory_order_acquire);
  }
  void clear() noexcept { reset(); }

  bool is_set() const noexcept {
    // Acquire: pairs with the release in set().
    return (state_.load(std::memory_order_acquire) & set_bit) != 0;
  }
  bool try_wait() const noexcept { return is_set(); }

  void wait() {
    if (worker* here = current_worker()) check_cancelled(*here);
    if (!is_set()) wait_slowly(deadline::never());
  }

  // Whether it was set in time.
  template <class Rep, class Period>
  bool wait_for(const std::chrono::duration<Rep, Period>& duration) {
    return wait_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool wait_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [&](deadline until) { return wait_deadline(until); });
  }

 private:
  friend event_source;  // of a select

  // In state_. Not both: it is set only once nobody waits.
  static constexpr std::uint32_t set_bit = 1;
  static constexpr std::uint32_t waiting_bit = 2;  // set under lock_, maybe nobody waits any more

  bool wait_deadline(deadline until) {
    if (worker* here = current_worker()) check_cancelled(*here);
    return is_set() || wait_slowly(until);
  }
  void set_slowly() noexcept;
  bool wait_slowly(deadline until);

  shared_word<std::uint32_t> state_;
  spinlock lock_;  // guards waiters_
  wait_list waiters_;
};

}  // namespace v1
}  // namespace coir
