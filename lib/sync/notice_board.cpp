// notice_board.cpp - notifications, and those that wait for them.
// SPDX-License-Identifier: BSL-1.0
#include <coir/notice_board.hpp>

#include <coir/this_fiber.hpp>

#include <mutex>

#include "arch/pause.hpp"
#include "base/assert.hpp"
#include "sched/wait_failure.hpp"
#include "sched/waiter_chain.hpp"
#include "sync/misuse.hpp"

namespace coir {
inline namespace v1 {

// One that gave up at its deadline, or was notified before it slept, may still be on its way to
// leave(), overtaken by who notified all others: it is waited for, in the list where all others
// were. With one that nobody has notified, what follows is not for us to save: unless NDEBUG it is
// said.
notice_board::~notice_board() {
  waiter w("the last to leave a condition variable");
  lock_.lock();
  // Relaxed: written under lock_.
  bool deserted = inside_.load(std::memory_order_relaxed) == 0;
  if (deserted || anyone_pending()) {
    lock_.unlock();
    if (misuse_is_watched && !deserted)
      abort_naming("a condition variable is destroyed", " while somebody waits for it");
    return;
  }
  static_cast<void>(waiters_.pop());  // all are decided: this takes them out
  while (true) {
    waiters_.push_back(w);
    if (coir::wait(w, lock_) == wait_outcome::success) return;
    lock_.lock();
  }
}

bool notice_board::anyone_pending() const noexcept {
  for (const waiter* w = waiters_.first; w != nullptr; w = w->next)
    if (w->outcome() == wait_outcome::pending) return true;
  return false;
}

// The next one, notified; null where there is none. Under lock_. One that sleeps looks at the board
// no more.
inline waiter* notice_board::pop() noexcept {
  waiter* w = waiters_.pop();
  if (w != nullptr && w->slot == nullptr) count(-1U);
  return w;
}

void notice_board::notify_first() noexcept {
  lock_.lock();
  waiter* first = pop();
  lock_.unlock();
  if (first != nullptr) first->resume();
}

void notice_board::notify_everyone() noexcept {
  waiter_chain woken;
  {
    std::lock_guard guard(lock_);
    while (waiter* w = pop()) woken.add(*w);
  }
  woken.resume();
}

void notice_board::leave() noexcept {
  waiter* destroyer = nullptr;
  {
    std::lock_guard guard(lock_);
    count(-1U);
    // Relaxed: written under lock_. The last one out, and still one in the list?
    if (inside_.load(std::memory_order_relaxed) == 0) destroyer = waiters_.pop();
  }
  if (destroyer != nullptr) destroyer->resume();
}

notice_wait::notice_wait(notice_board& board, deadline until) noexcept
    : board_(board), waiter_("a condition variable") {
  waiter_.until = until;
  waiter_.slot = this;  // awake: leaves by itself when it has been notified
  awake_.begin(waiter_);
  board_.enter(waiter_);
  board_.lock().unlock();
}

notice_wait::~notice_wait() {
  if (over_) return;
  board_.lock().lock();
  bool notified = waiter_.list == nullptr;
  if (!notified) waiter_.list->remove(waiter_);
  board_.lock().unlock();
  if (notified) await_signal();
  board_.leave();
}

// It has been notified before it slept: the notifier is about to say so.
void notice_wait::await_signal() noexcept {
  // Acquire: pairs with the release in waiter::resume(), which is the last touch.
  for (int looks = 0; awake_.signal.load(std::memory_order_acquire) != thread_decision::go_on;)
    wait_a_little(looks++);
}

cv_status notice_wait::sleep() {
  over_ = true;
  board_.lock().lock();
  if (waiter_.list == nullptr) {
    board_.lock().unlock();
    await_signal();
    board_.leave();
    return cv_status::no_timeout;
  }
  // Another look: where the user's unlock() has waited, a request may have come after the first
  // one, and found no wait to end. Not before the board's lock is held: a notification that came
  // first is not lost.
  if (worker* here = current_worker(); here != nullptr && delivers_now(*here)) {
    waiter_.list->remove(waiter_);
    board_.lock().unlock();
    board_.leave();
    deliver_requests(*here);
  }
  waiter_.slot = nullptr;
  wait_outcome outcome = coir::wait(waiter_, board_.lock());
  if (outcome != wait_outcome::success) board_.leave();
  throw_unless_success(outcome);
  return outcome == wait_outcome::timed_out ? cv_status::timeout : cv_status::no_timeout;
}

}  // namespace v1
}  // namespace coir
