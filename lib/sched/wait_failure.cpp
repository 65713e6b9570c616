// wait_failure.cpp - what is thrown when a wait ends without what was waited for.
// SPDX-License-Identifier: BSL-1.0
#include "sched/wait_failure.hpp"

#include <coir/cancelled.hpp>
#include <coir/this_fiber.hpp>

#include "sched/runtime_core.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {

cancelled::~cancelled() = default;
timed_out::~timed_out() = default;
deadlock::~deadlock() = default;

void throw_wait_failure(wait_outcome outcome) {
  if (outcome == wait_outcome::cancelled) {
    deliver_cancellation(*current_worker());
  } else if (outcome == wait_outcome::deadlock) {
    throw deadlock(worker_core::of(*current_worker()).runtime.deadlock_listing());
  }
}

void deliver_cancellation(worker& here) {
  // Relaxed: delivered; a request that comes just now is a new one.
  here.current->cancel_pending.store(false, std::memory_order_relaxed);
  throw cancelled();
}

}  // namespace v1
}  // namespace coir
