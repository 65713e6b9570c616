// notice_board.cpp - notifications, and those that wait for them.
// SPDX-License-Identifier: BSL-1.0
#include <coir/notice_board.hpp>

#include <mutex>

#include "arch/pause.hpp"
#include "base/assert.hpp"
#include "sched/wait_failure.hpp"
#include "sync/waiter_chain.hpp"

namespace coir {
inline namespace v1 {

// A waiter that gave up at its deadline may still be on its way to leave(), overtaken by who
// notified all others: it is waited for, in the list where all others were. With one that nobody
// has notified, what follows is not for us to save.
notice_board::~notice_board() {
  waiter w("the last to leave a condition variable");
  lock.lock();
  // Relaxed: written under the lock.
  if (inside_.load(std::memory_order_relaxed) == 0 || anyone_pending()) {
    lock.unlock();
    return;
  }
  static_cast<void>(waiters_.pop());  // all are decided: this takes them out
  while (true) {
    waiters_.push_back(w);
    if (coir::wait(w, lock) == wait_outcome::success) return;
    lock.lock();
  }
}

bool notice_board::anyone_pending() const noexcept {
  for (const waiter* w = waiters_.first; w != nullptr; w = w->next)
    if (w->outcome() == wait_outcome::pending) return true;
  return false;
}

void notice_board::count(std::uint32_t change) noexcept {
  // Relaxed: written under the lock.
  inside_.store(inside_.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
}

void notice_board::notify_first() noexcept {
  lock.lock();
  waiter* first = waiters_.pop();
  if (first != nullptr) count(-1U);
  lock.unlock();
  if (first != nullptr) first->resume();
}

void notice_board::notify_everyone() noexcept {
  waiter_chain woken;
  {
    std::lock_guard guard(lock);
    while (waiter* w = waiters_.pop()) {
      woken.add(*w);
      count(-1U);
    }
  }
  woken.resume();
}

void notice_board::enter(waiter& w) noexcept {
  lock.lock();
  waiters_.push_back(w);
  count(1);
}

void notice_board::leave() noexcept {
  waiter* destroyer = nullptr;
  {
    std::lock_guard guard(lock);
    count(-1U);
    // Relaxed: written under the lock. The last one out, and still one in the list?
    if (inside_.load(std::memory_order_relaxed) == 0) destroyer = waiters_.pop();
  }
  if (destroyer != nullptr) destroyer->resume();
}

notice_wait::notice_wait(notice_board& board, deadline until) noexcept
    : board_(board), waiter_("a condition variable") {
  waiter_.until = until;
  awake_.begin(waiter_);
  board_.enter(waiter_);
  board_.lock.unlock();
}

notice_wait::~notice_wait() {
  if (over_) return;
  board_.lock.lock();
  if (waiter_.list == nullptr) {
    board_.lock.unlock();
    finish();
    return;
  }
  waiter_.list->remove(waiter_);
  board_.lock.unlock();
  board_.leave();
}

// It has been notified before it slept: the notifier is about to say so.
void notice_wait::finish() noexcept {
  // Acquire: pairs with the release in waiter::resume(), which is the last touch.
  for (int looks = 0; awake_.signal.load(std::memory_order_acquire) != thread_decision::go_on;)
    wait_a_little(looks++);
}

cv_status notice_wait::sleep() {
  over_ = true;
  board_.lock.lock();
  if (waiter_.list == nullptr) {
    board_.lock.unlock();
    finish();
    return cv_status::no_timeout;
  }
  wait_outcome outcome = coir::wait(waiter_, board_.lock);
  if (outcome != wait_outcome::success) board_.leave();
  throw_unless_success(outcome);
  return outcome == wait_outcome::timed_out ? cv_status::timeout : cv_status::no_timeout;
}

}  // namespace v1
}  // namespace coir
