// semaphore.cpp - a semaphore without permits, or for which somebody waits.
// SPDX-License-Identifier: BSL-1.0
#include <coir/semaphore.hpp>

#include <mutex>
#include <stdexcept>

#include "sched/wait_failure.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {

bool semaphore::acquire_slowly(deadline until) {
  waiter w("a semaphore");
  w.until = until;
  lock_.lock();
  // Relaxed: the exchanges decide.
  std::size_t state = state_.load(std::memory_order_relaxed);
  while ((state & waiting_bit) == 0) {
    std::size_t next = state >= one ? state - one : waiting_bit;
    // Acquire: pairs with the release in give(), where a permit was there.
    if (state_.compare_exchange(state, next, std::memory_order_acquire)) {
      if (state == 0) break;
      lock_.unlock();
      return true;
    }
  }
  waiters_.push_back(w);
  wait_outcome outcome = coir::wait(w, lock_);
  throw_unless_success(outcome);
  return outcome == wait_outcome::success;
}

// The exchange that gives permits is the last touch: who acquires one may destroy the semaphore. So
// those that wait are served first, and resumed after; they keep it alive that long.
void semaphore::give_slowly(std::ptrdiff_t permits, std::ptrdiff_t limit) {
  if (permits < 0) refuse_negative();
  const auto most = static_cast<std::size_t>(limit);
  auto left = static_cast<std::size_t>(permits);
  bool too_many = left > most;
  waiter_chain woken;
  // Relaxed: the exchange or the lock decides.
  std::size_t state = state_.load(std::memory_order_relaxed);
  while (left != 0 && !too_many) {
    if ((state & waiting_bit) == 0) {
      if (left > most - state / one) {
        too_many = true;
        // Release: pairs with the acquire in take().
      } else if (state_.compare_exchange(state, state + left * one, std::memory_order_release)) {
        left = 0;
      }
      continue;
    }
    std::lock_guard guard(lock_);
    for (waiter* w; left != 0 && (w = waiters_.pop()) != nullptr; --left) woken.add(*w);
    // Relaxed: with the bit the word changes under the lock only. One that has lost it, too.
    state = state_.load(std::memory_order_relaxed);
    if (waiters_.empty() && (state & waiting_bit) != 0) {
      state = 0;
      // Relaxed: likewise; no permit is in it.
      state_.store(state, std::memory_order_relaxed);
    }
  }
  woken.resume();
  if (too_many) throw std::logic_error("coir: more permits are released than a semaphore may have");
}

void semaphore::refuse_negative() {
  throw std::invalid_argument("coir: a negative number of permits");
}

}  // namespace v1
}  // namespace coir
