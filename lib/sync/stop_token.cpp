// stop_token.cpp - asking something to stop, and hearing of it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/stop_token.hpp>

#include <coir/lock_owner.hpp>
#include <coir/uncancellable.hpp>

#include <mutex>

#include "base/assert.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {

bool stop_state::enter(stop_listener& l) noexcept {
  std::lock_guard guard(lock_);
  // Relaxed: written under the lock.
  if (requested_.load(std::memory_order_relaxed)) return false;
  l.listed_ = true;
  l.previous_ = nullptr;
  l.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &l;
  first_ = &l;
  return true;
}

bool stop_state::request() noexcept {
  std::unique_lock guard(lock_);
  // Relaxed: written under the lock.
  if (requested_.load(std::memory_order_relaxed)) return false;
  // Release: pairs with the acquire in requested().
  requested_.store(true, std::memory_order_release);
  caller_ = lock_owner_here();
  while (stop_listener* l = first_) {
    first_ = l->next_;
    if (first_ != nullptr) first_->previous_ = nullptr;
    l->listed_ = false;
    bool gone = false;
    l->gone_ = &gone;
    running_ = l;
    guard.unlock();
    l->call_(*l);
    guard.lock();
    running_ = nullptr;
    if (!gone) l->gone_ = nullptr;
    waiter_chain woken;
    woken.add_all(waiters_);
    if (woken.empty()) continue;
    guard.unlock();
    woken.resume();
    guard.lock();
  }
  return true;
}

void stop_state::leave(stop_listener& l) noexcept {
  uncancellable while_it_is_called;
  while (true) {
    lock_.lock();
    if (l.listed_) {
      (l.previous_ != nullptr ? l.previous_->next_ : first_) = l.next_;
      if (l.next_ != nullptr) l.next_->previous_ = l.previous_;
      break;
    }
    if (running_ != &l) break;
    if (caller_ == lock_owner_here()) {
      *l.gone_ = true;
      break;
    }
    waiter w("the end of a stop callback");
    waiters_.push_back(w);
    if (wait(w, lock_) == wait_outcome::deadlock)
      abort_with("deadlock: a stop callback is destroyed while it is called, and never ends");
  }
  lock_.unlock();
}

}  // namespace v1
}  // namespace coir
