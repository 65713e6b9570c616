// call_once.cpp - who calls, and who waits for it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/call_once.hpp>

#include <coir/this_fiber.hpp>

#include <mutex>

#include "sched/wait_failure.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {

bool once_flag::begin() {
  while (true) {
    // Relaxed: only whether it will wait, which is a cancellation point; the lock decides.
    bool will_wait = stage_.load(std::memory_order_relaxed) == stage::running;
    if (worker* here = current_worker(); here != nullptr && will_wait) check_cancelled(*here);
    lock_.lock();
    // Relaxed: written under the lock.
    stage reached = stage_.load(std::memory_order_relaxed);
    if (reached != stage::running || !will_wait) {
      // Relaxed: likewise.
      if (reached == stage::fresh) stage_.store(stage::running, std::memory_order_relaxed);
      lock_.unlock();
      // Another has begun since: it will wait after all, and not without a look at its requests.
      if (reached == stage::running) continue;
      return reached == stage::fresh;
    }
    waiter w("another's call_once");
    waiters_.push_back(w);
    throw_unless_success(coir::wait(w, lock_));
  }
}

// Everyone wakes: one of them calls if this one did not return.
void once_flag::end(stage reached) noexcept {
  waiter_chain woken;
  {
    std::lock_guard guard(lock_);
    // Release: pairs with the acquire in done().
    stage_.store(reached, std::memory_order_release);
    woken.add_all(waiters_);
  }
  woken.resume();
}

}  // namespace v1
}  // namespace coir
