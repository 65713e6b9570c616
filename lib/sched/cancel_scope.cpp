// cancel_scope.cpp - a stretch of a fiber's calls that is asked to end as a whole.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancel_scope.hpp>

#include <exception>
#include <mutex>
#include <stdexcept>

#include "sched/request.hpp"
#include "sched/wait_failure.hpp"

namespace coir {
inline namespace v1 {
namespace {

fiber& running_fiber() {
  worker* here = current_worker();
  if (here == nullptr)
    throw std::logic_error("coir: a timeout or a group's scope outside of any fiber");
  return *here->current;
}

}  // namespace

cancel_scope::cancel_scope(kind what)
    : owner_(running_fiber()),
      outer_(owner_.scopes),
      exceptions_(std::uncaught_exceptions()),
      kind_(what) {
  timer_.who = nullptr;
  timer_.slot = this;
  owner_.scopes = this;
}

cancel_scope::~cancel_scope() {
  timer_.clear_timer();
  owner_.scopes = outer_;
  // Relaxed: who expired it is done with it, or is this fiber.
  if (state_.load(std::memory_order_relaxed) == has_expired) {
    std::lock_guard guard(owner_.lock);
    take_back(owner_);
  }
  if (std::uncaught_exceptions() > exceptions_) tell_again();
}

// An exception passes by. It may be that of a scope around this one, thrown as timed_out, and about
// to be taken for the end of this one: then the outer scope is told of again at the next point.
void cancel_scope::tell_again() noexcept {
  std::lock_guard guard(owner_.lock);
  for (cancel_scope* s = outer_; s != nullptr; s = s->outer_) {
    // Relaxed, here and below: written under the lock.
    if (s->kind_ != kind::throws_timed_out || s->state_.load(std::memory_order_relaxed) != told)
      continue;
    s->state_.store(has_expired, std::memory_order_relaxed);
    owner_.requests.fetch_or(fiber_request::scope, std::memory_order_relaxed);
  }
}

// One of those that had expired has been told, or is closed. Under the lock of the fiber.
void cancel_scope::take_back(fiber& self) noexcept {
  std::uint32_t others = 0;
  for (cancel_scope* s = self.scopes; s != nullptr; s = s->outer_)
    // Relaxed: written under the lock.
    if (s->state_.load(std::memory_order_relaxed) == has_expired) others = fiber_request::scope;
  // Relaxed: likewise.
  if (others == 0) self.requests.fetch_and(~fiber_request::scope, std::memory_order_relaxed);
}

void cancel_scope::set_deadline(deadline until) {
  timer_.clear_timer();
  if (expired()) throw std::logic_error("coir: a timeout is moved after it has expired");
  timer_.until = until;
  if (until.is_never()) return;
  // Otherwise the timer tells, even if that is at once: a look at the clock costs more than all
  // this.
  if (until == deadline::passed()) return expire();
  timer_.set_timer(*current_worker());
}

// The state and the fiber's flag change together, by the lock: the flag is set as long as some
// scope has expired and was not told, and no longer. Without that:
//
//     this thread                another                    the fiber
//     outer: has expired
//                                inner: has expired, flag
//                                                           told of outer; inner closed; no flag
//     flag
//
// With nothing behind the flag the next wait would be cancelled, and the fiber told nothing.
bool cancel_scope::mark() noexcept {
  std::lock_guard guard(owner_.lock);
  // Relaxed: written under the lock.
  if (state_.load(std::memory_order_relaxed) != open) return false;
  // Release: pairs with expired().
  state_.store(has_expired, std::memory_order_release);
  // Release: what was done before it expired is seen by who is told.
  owner_.requests.fetch_or(fiber_request::scope, std::memory_order_release);
  return true;
}

void cancel_scope::expire() noexcept {
  if (mark()) interrupt(owner_);
}

fiber& cancel_scope::fire(waiter& timer) noexcept {
  auto& scope = *static_cast<cancel_scope*>(timer.slot);
  static_cast<void>(scope.mark());
  return scope.owner_;
}

bool cancel_scope::timeout_has_expired() noexcept {
  worker* here = current_worker();
  for (cancel_scope* s = here != nullptr ? here->current->scopes : nullptr; s != nullptr;
       s = s->outer_)
    if (s->kind_ == kind::throws_timed_out && s->expired()) return true;
  return false;
}

void cancel_scope::tell(fiber& self) {
  cancel_scope* outermost = nullptr;
  {
    std::lock_guard guard(self.lock);
    for (cancel_scope* s = self.scopes; s != nullptr; s = s->outer_)
      // Relaxed, here and below: written under the lock.
      if (s->state_.load(std::memory_order_relaxed) == has_expired) outermost = s;
    if (outermost == nullptr) return;
    outermost->state_.store(told, std::memory_order_relaxed);
    take_back(self);
  }
  if (outermost->kind_ == kind::throws_timed_out) throw timed_out();
  throw delivered<scope_cancelled>(self, *outermost);
}

}  // namespace v1
}  // namespace coir
