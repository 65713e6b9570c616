// notice_board.hpp - who waits for a notification, under whatever lock.
// SPDX-License-Identifier: BSL-1.0
// Budget: notifying when nobody waits is one load.
#pragma once

#include <coir/wait.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <type_traits>

namespace coir {
inline namespace v1 {

using std::cv_status;

// What condition variables have in common: those that wait, and how they are notified.
//
// One that gives up by itself, or is notified before it sleeps, may be slower than a notify_all()
// and what comes after it: the destructor waits for it.
class notice_board {
 public:
  constexpr notice_board() noexcept = default;
  notice_board(const notice_board&) = delete;
  notice_board& operator=(const notice_board&) = delete;
  ~notice_board();

  void notify_one() noexcept {
    if (anyone()) notify_first();
  }
  void notify_all() noexcept {
    if (anyone()) notify_everyone();
  }

  // Also sees who came in after the last unlock() of the lock that the condition is guarded by.
  void notify_everyone() noexcept;

  // Comes in, and leaves the board's lock locked for wait().
  void enter(waiter& w) noexcept {
    lock_.lock();
    waiters_.push_back(w);
    count(1);
  }
  // After a wait() that did not succeed, or that never began.
  void leave() noexcept;

  spinlock& lock() noexcept { return lock_; }

 private:
  bool anyone() const noexcept {
    // Relaxed: the condition's lock, which a waiter unlocked after it came in and the notifier
    // locked before it made the condition true, orders the two.
    return inside_.load(std::memory_order_relaxed) != 0;
  }
  void notify_first() noexcept;
  [[gnu::always_inline]] waiter* pop() noexcept;
  void count(std::uint32_t change) noexcept {
    // Relaxed: written under lock_.
    inside_.store(inside_.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
  bool anyone_pending() const noexcept;

  spinlock lock_;
  atomic_cell<std::uint32_t> inside_{0};  // written under lock_; those that will look at the board
  wait_list waiters_;                     // under lock_
};

// A wait in two steps, with code of the user's between them.
class notice_wait {
 public:
  // Comes in: from here on a notification is not missed.
  notice_wait(notice_board& board, deadline until) noexcept;
  notice_wait(const notice_wait&) = delete;
  notice_wait& operator=(const notice_wait&) = delete;
  ~notice_wait();

  // Waits until notified. Throws cancelled, deadlock.
  cv_status sleep();

 private:
  void await_signal() noexcept;

  notice_board& board_;
  waiter waiter_;
  bool over_ = false;
  thread_decision awake_;  // by which it is notified until it sleeps
};

// What a wait until `time` returns when its deadline has passed or not: a clock that was set back
// has not reached it.
template <class Clock, class Duration>
cv_status status_at(const std::chrono::time_point<Clock, Duration>& time, cv_status status) {
  if constexpr (!std::is_same_v<Clock, std::chrono::steady_clock>) {
    if (status == cv_status::timeout && Clock::now() < time) return cv_status::no_timeout;
  }
  return status;
}

}  // namespace v1
}  // namespace coir
