// condition_variable.hpp - waits for something to become true of what a mutex guards.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/condition_variable_any.hpp>
#include <coir/mutex.hpp>
#include <coir/notice_board.hpp>

#include <chrono>
#include <mutex>
#include <type_traits>

namespace coir {
inline namespace v1 {

// std::condition_variable, over coir::mutex.
//
//     std::unique_lock lock(m);
//     filled.wait(lock, [&] { return !items.empty(); });
//
// Blocking         wait() suspends the fiber, or blocks the plain thread, that calls it. First
//                  come, first woken; who comes after a notify_one() does not take it.
// Memory ordering  that of the mutex.
// Lifetime         may be destroyed once all its waiters have been notified, though they have not
//                  returned from wait().
// Cancellation     all waits are cancellation points; they lock again before they throw.
// Throws           cancelled, deadlock; std::system_error (operation_not_permitted) where the lock
//                  is not locked. One that cannot lock again aborts.
// Misuse           unless NDEBUG these abort: waiting with a mutex that another holds, waiting with
//                  another mutex than those that wait already, destroying it while one waits.
class condition_variable {
 public:
  using native_handle_type = condition_variable*;  // there is nothing below it

  constexpr condition_variable() noexcept = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  void notify_one() noexcept { board_.notify_one(); }
  void notify_all() noexcept { board_.notify_all(); }

  void wait(std::unique_lock<mutex>& lock) { wait_deadline(lock, deadline::never()); }
  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate stop_waiting) {
    while (!stop_waiting()) wait(lock);
  }

  template <class Clock, class Duration>
  cv_status wait_until(std::unique_lock<mutex>& lock,
                       const std::chrono::time_point<Clock, Duration>& time) {
    return status_at(time, wait_deadline(lock, deadline::at(time)));
  }
  template <class Clock, class Duration, class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock,
                  const std::chrono::time_point<Clock, Duration>& time, Predicate stop_waiting) {
    while (!stop_waiting())
      if (wait_until(lock, time) == cv_status::timeout) return stop_waiting();
    return true;
  }

  template <class Rep, class Period>
  cv_status wait_for(std::unique_lock<mutex>& lock,
                     const std::chrono::duration<Rep, Period>& duration) {
    return wait_deadline(lock, deadline::after(duration));
  }
  template <class Rep, class Period, class Predicate>
  bool wait_for(std::unique_lock<mutex>& lock, const std::chrono::duration<Rep, Period>& duration,
                Predicate stop_waiting) {
    const deadline until = deadline::after(duration);
    while (!stop_waiting())
      if (wait_deadline(lock, until) == cv_status::timeout) return stop_waiting();
    return true;
  }

  native_handle_type native_handle() noexcept { return this; }

 private:
  cv_status wait_deadline(std::unique_lock<mutex>& lock, deadline until);

  notice_board board_;
};

// std::notify_all_at_thread_exit: at the very end of the running fiber, or plain thread.
void notify_all_at_thread_exit(condition_variable& board, std::unique_lock<mutex> lock);

}  // namespace v1
}  // namespace coir
