// event.cpp - an event that somebody waits for.
// SPDX-License-Identifier: BSL-1.0
#include <coir/event.hpp>

#include <mutex>

#include "sched/wait_failure.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {

// The exchange that sets it is the last touch: a wait() that finds it set may destroy it. So those
// that wait are taken out first, and resumed after.
void event::set_slowly() noexcept {
  waiter_chain woken;
  std::uint32_t state;
  do {
    {
      std::lock_guard guard(lock_);
      woken.add_all(waiters_);
      state = waiting_bit;
      // Acquire, for want of less: the lock guards the bit. If it is gone another set() was here.
      state_.compare_exchange(state, 0, std::memory_order_acquire);
    }
    state = 0;
    // Release: pairs with the acquire of who finds it set.
  } while (!state_.compare_exchange(state, set_bit, std::memory_order_release) && state != set_bit);
  woken.resume();
}

bool event::wait_slowly(deadline until) {
  waiter w("an event");
  w.until = until;
  lock_.lock();
  // Acquire, here and below: pairs with the release in set(), if it comes first.
  std::uint32_t state = state_.load(std::memory_order_acquire);
  while (state == 0 && !state_.compare_exchange(state, waiting_bit, std::memory_order_acquire)) {
  }
  if (state == set_bit) {
    lock_.unlock();
    return true;
  }
  waiters_.push_back(w);
  wait_outcome outcome = coir::wait(w, lock_);
  throw_unless_success(outcome);
  return outcome == wait_outcome::success;
}

}  // namespace v1
}  // namespace coir
