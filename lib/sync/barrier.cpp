// barrier.cpp - arrivals, and those that wait for the rest of them.
// SPDX-License-Identifier: BSL-1.0
#include <coir/barrier.hpp>

#include <mutex>
#include <stdexcept>

#include "sched/wait_failure.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {

// Under lock_. Whether this is the last of the phase; then nobody can arrive until it is finished.
bool barrier_core::count(std::ptrdiff_t update) {
  if (update <= 0 || update > left_)
    throw std::logic_error("coir: more arrive at a barrier than it expects");
  left_ -= update;
  return left_ == 0;
}

bool barrier_core::arrive(std::ptrdiff_t update, std::ptrdiff_t drop, std::uint64_t& phase) {
  std::lock_guard guard(lock_);
  phase = phase_;
  bool last = count(update);
  expected_ -= drop;
  return last;
}

bool barrier_core::arrive_and_wait() {
  if (worker* here = current_worker()) check_cancelled(*here);
  waiter w("a barrier");
  {
    std::unique_lock guard(lock_);
    if (count(1)) return true;
    waiters_.push_back(w);
    guard.release();
  }
  throw_unless_success(coir::wait(w, lock_));
  return false;
}

void barrier_core::wait(std::uint64_t phase) {
  if (worker* here = current_worker()) check_cancelled(*here);
  waiter w("a barrier");
  lock_.lock();
  if (phase_ != phase) return lock_.unlock();
  waiters_.push_back(w);
  throw_unless_success(coir::wait(w, lock_));
}

void barrier_core::finish_phase() noexcept {
  waiter_chain woken;
  {
    std::lock_guard guard(lock_);
    ++phase_;
    left_ = expected_;
    woken.add_all(waiters_);
  }
  woken.resume();
}

void barrier_core::refuse_negative() {
  throw std::logic_error("coir: a barrier expects a negative number");
}

}  // namespace v1
}  // namespace coir
