// latch.cpp - a latch that somebody waits for.
// SPDX-License-Identifier: BSL-1.0
#include <coir/latch.hpp>

#include <mutex>
#include <stdexcept>

#include "sched/wait_failure.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {

// The last count_down(), with somebody waiting. The exchange that makes it zero is the last touch:
// a wait() that finds it so may destroy it. So those that wait are taken out first.
void latch::open(std::size_t change, std::size_t state) {
  if (state < change) refuse_below_zero();
  waiter_chain woken;
  do {
    {
      std::lock_guard guard(lock_);
      woken.add_all(waiters_);
      // Acquire: what the others did before they counted is handed on. Nobody counts any more, and
      // who comes to wait wants the lock.
      state = state_.load(std::memory_order_acquire) & ~waiting_bit;
      // Release: for who comes to wait and then finds zero.
      state_.store(state, std::memory_order_release);
    }
    // Release: pairs with the acquire in try_wait().
  } while (!state_.compare_exchange(state, state - change, std::memory_order_release));
  woken.resume();
}

bool latch::wait_slowly(deadline until) const {
  waiter w("a latch");
  w.until = until;
  lock_.lock();
  // Acquire, here and below: pairs with the release in count_down(), if it comes first.
  std::size_t state = state_.load(std::memory_order_acquire);
  while (state != 0 &&
         !state_.compare_exchange(state, state | waiting_bit, std::memory_order_acquire)) {
  }
  if (state == 0) {
    lock_.unlock();
    return true;
  }
  waiters_.push_back(w);
  wait_outcome outcome = coir::wait(w, lock_);
  throw_unless_success(outcome);
  return outcome == wait_outcome::success;
}

void latch::refuse_below_zero() {
  throw std::logic_error("coir: a latch is counted below zero");
}

}  // namespace v1
}  // namespace coir
