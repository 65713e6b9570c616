// nest.cpp - the fibers that were spawned under a run() inside a fiber.
// SPDX-License-Identifier: BSL-1.0
#include <coir/nest.hpp>

#include <coir/uncancellable.hpp>

#include <mutex>

#include "base/assert.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/request.hpp"

namespace coir {
inline namespace v1 {

// Relaxed, in both: written and read by the running fiber; others compare it.
nest::opened::opened(nest& here) noexcept
    : before_(current_worker()->current->inside.load(std::memory_order_relaxed)) {
  current_worker()->current->inside.store(&here, std::memory_order_relaxed);
}
nest::opened::~opened() {
  current_worker()->current->inside.store(before_, std::memory_order_relaxed);
}

void nest::enter(fiber& fresh) noexcept {
  // Relaxed: nobody else knows this fiber yet.
  fresh.inside.store(this, std::memory_order_relaxed);
  std::lock_guard guard(lock_);
  ++inside_;
  // Relaxed: likewise.
  if (ending_) fresh.requests.store(fiber_request::cancel, std::memory_order_relaxed);
}

void nest::leave() noexcept {
  waiter* w = nullptr;
  {
    std::lock_guard guard(lock_);
    if (--inside_ == 0) w = waiters_.pop();
  }
  if (w != nullptr) w->resume();
}

void nest::cancel_all() {
  visit_fibers([this](fiber& f) {
    // Relaxed: compared only, and again once the block cannot become another fiber's.
    if (f.inside.load(std::memory_order_relaxed) != this || !hold_fiber(f)) return;
    if (f.inside.load(std::memory_order_relaxed) == this) request_cancel(f, {});
    release_fiber(f);
  });
}

nest::~nest() {
  uncancellable while_they_end;
  {
    std::lock_guard guard(lock_);
    ending_ = true;
    if (inside_ == 0) return;
  }
  cancel_all();
  while (true) {
    waiter w("the fibers of a run()");
    lock_.lock();
    if (inside_ == 0) break;
    waiters_.push_back(w);
    if (coir::wait(w, lock_) == wait_outcome::deadlock)
      abort_with("deadlock: a run() ends, and nothing can end one of its fibers");
  }
  lock_.unlock();
}

}  // namespace v1
}  // namespace coir
