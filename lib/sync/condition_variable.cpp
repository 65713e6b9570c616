// condition_variable.cpp - unlock, wait, lock again.
// SPDX-License-Identifier: BSL-1.0
#include <coir/condition_variable.hpp>

#include <coir/cancelled.hpp>
#include <coir/this_fiber.hpp>
#include <coir/thread_exit.hpp>

#include <system_error>

#include "base/assert.hpp"
#include "sched/wait_failure.hpp"
#include "sync/misuse.hpp"

namespace coir {
inline namespace v1 {
namespace {

struct condition_waiter : waiter {
  explicit condition_waiter(mutex& m) noexcept : waiter("a condition variable"), with(&m) {}
  mutex* with;
};

// Under the board's lock. Who is before it in the list is still in its wait.
void check_same_mutex(const condition_waiter& w) noexcept {
  if (w.previous != nullptr && static_cast<condition_waiter*>(w.previous)->with != w.with)
    abort_naming("a condition variable is waited for",
                 " with another mutex than that of who waits already");
}

void lock_again(mutex& m) noexcept {
  try {
    m.lock();
  } catch (const deadlock&) {
    abort_with("deadlock: a mutex cannot be locked again after waiting for a condition variable");
  }
}

}  // namespace

cv_status condition_variable::wait_deadline(std::unique_lock<mutex>& lock, deadline until) {
  if (!lock.owns_lock())
    throw std::system_error(std::make_error_code(std::errc::operation_not_permitted),
                            "coir: waiting for a condition variable without its mutex locked");
  mutex& m = *lock.mutex();
  if (misuse_is_watched && !m.held_here())
    abort_naming("a condition variable is waited for", " with a mutex that it does not hold");
  worker* here = current_worker();
  if (here != nullptr) check_cancelled(*here);
  condition_waiter w(m);
  w.until = until;
  // Unlocked under the board's lock: who is woken by that touches no board, and giving the board
  // free in between would cost as much again.
  board_.enter(w);
  if (misuse_is_watched) check_same_mutex(w);
  m.unlock();
  wait_outcome outcome = coir::wait(w, board_.lock(), here, !until.is_never());
  if (outcome != wait_outcome::success) board_.leave();
  lock_again(m);
  throw_unless_success(outcome);
  return outcome == wait_outcome::timed_out ? cv_status::timeout : cv_status::no_timeout;
}

void notify_all_at_thread_exit(condition_variable& board, std::unique_lock<mutex> lock) {
  mutex* held = lock.mutex();
  at_thread_exit([&board, held] {
    held->unlock();
    board.notify_all();
  });
  static_cast<void>(lock.release());
}

}  // namespace v1
}  // namespace coir
