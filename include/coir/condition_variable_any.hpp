// condition_variable_any.hpp - a condition variable over any lock, and with stop tokens.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/notice_board.hpp>
#include <coir/stop_token.hpp>
#include <coir/this_fiber.hpp>
#include <coir/uncancellable.hpp>

#include <chrono>
#include <utility>

namespace coir {
inline namespace v1 {

// std::condition_variable_any. As condition_variable, but for what follows.
//
// Blocking         unlock() and lock() of the user's lock are called with nothing of ours locked.
// Cancellation     a lock whose lock() throws after a wait ends in std::terminate.
class condition_variable_any {
 public:
  constexpr condition_variable_any() noexcept = default;
  condition_variable_any(const condition_variable_any&) = delete;
  condition_variable_any& operator=(const condition_variable_any&) = delete;

  void notify_one() noexcept { board_.notify_one(); }
  void notify_all() noexcept { board_.notify_all(); }

  template <class Lock>
  void wait(Lock& lock) {
    wait_unless(lock, deadline::never(), [] { return false; });
  }
  template <class Lock, class Predicate>
  void wait(Lock& lock, Predicate stop_waiting) {
    while (!stop_waiting()) wait(lock);
  }

  template <class Lock, class Clock, class Duration>
  cv_status wait_until(Lock& lock, const std::chrono::time_point<Clock, Duration>& time) {
    return status_at(time, wait_unless(lock, deadline::at(time), [] { return false; }));
  }
  template <class Lock, class Clock, class Duration, class Predicate>
  bool wait_until(Lock& lock, const std::chrono::time_point<Clock, Duration>& time,
                  Predicate stop_waiting) {
    while (!stop_waiting())
      if (wait_until(lock, time) == cv_status::timeout) return stop_waiting();
    return true;
  }

  template <class Lock, class Rep, class Period>
  cv_status wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& duration) {
    return wait_unless(lock, deadline::after(duration), [] { return false; });
  }
  template <class Lock, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& duration,
                Predicate stop_waiting) {
    const deadline until = deadline::after(duration);
    while (!stop_waiting())
      if (wait_unless(lock, until, [] { return false; }) == cv_status::timeout)
        return stop_waiting();
    return true;
  }

  // A request to stop ends these, too. What the predicate says at the end.
  template <class Lock, stop_token_like Token, class Predicate>
  bool wait(Lock& lock, Token token, Predicate stop_waiting) {
    return wait_stoppable(token, stop_waiting, [&](auto stopped) {
      return wait_unless(lock, deadline::never(), stopped);
    });
  }
  template <class Lock, stop_token_like Token, class Clock, class Duration, class Predicate>
  bool wait_until(Lock& lock, Token token, const std::chrono::time_point<Clock, Duration>& time,
                  Predicate stop_waiting) {
    return wait_stoppable(token, stop_waiting, [&](auto stopped) {
      return status_at(time, wait_unless(lock, deadline::at(time), stopped));
    });
  }
  template <class Lock, stop_token_like Token, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, Token token, const std::chrono::duration<Rep, Period>& duration,
                Predicate stop_waiting) {
    const deadline until = deadline::after(duration);
    return wait_stoppable(token, stop_waiting,
                          [&](auto stopped) { return wait_unless(lock, until, stopped); });
  }

 private:
  // Locks again at the end of a wait, however that ends; noexcept, as destructors are. A request
  // that came meanwhile is for later, also where the user's lock() is a cancellation point.
  template <class Lock>
  class unlocked {
   public:
    explicit unlocked(Lock& lock) : lock_(lock) { lock.unlock(); }
    unlocked(const unlocked&) = delete;
    unlocked& operator=(const unlocked&) = delete;
    ~unlocked() {
      uncancellable until_locked;
      lock_.lock();
    }

   private:
    Lock& lock_;
  };

  // Waits once, unless `off` says, after it has come in, that it need not.
  template <class Lock, class Off>
  cv_status wait_unless(Lock& lock, deadline until, Off off) {
    if (worker* here = current_worker()) check_cancelled(*here);
    notice_wait own(board_, until);
    if (off()) return cv_status::no_timeout;
    unlocked<Lock> meanwhile(lock);
    return own.sleep();
  }

  template <class Token, class Predicate, class Wait>
  bool wait_stoppable(const Token& token, Predicate& stop_waiting, Wait wait_once) {
    // Takes the board's lock in any case: the waiter looks at the token after it has come in, and
    // the request was made before this, so one of the two sees the other.
    auto wake = call_on_stop(token, [this] { board_.notify_everyone(); });
    while (!token.stop_requested()) {
      if (stop_waiting()) return true;
      if (wait_once([&] { return token.stop_requested(); }) == cv_status::timeout)
        return stop_waiting();
    }
    return stop_waiting();
  }

  notice_board board_;
};

}  // namespace v1
}  // namespace coir
