// cancel_scope.cpp - a stretch of a fiber's calls that is asked to end as a whole.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancel_scope.hpp>

#include <exception>
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
    : owner_(running_fiber()), outer_(owner_.scopes), kind_(what) {
  timer_.slot = this;
  owner_.scopes = this;
}

cancel_scope::~cancel_scope() {
  timer_.clear_timer();
  owner_.scopes = outer_;
  // Relaxed: who expired it is done with it, or is this fiber.
  if (state_.load(std::memory_order_relaxed) == has_expired) take_back(owner_);
  if (std::uncaught_exceptions() != 0) tell_again();
}

// An exception passes by. It may be that of a scope around this one, thrown as timed_out, and about
// to be taken for the end of this one: then the outer scope is told of again at the next point.
void cancel_scope::tell_again() noexcept {
  for (cancel_scope* s = outer_; s != nullptr; s = s->outer_) {
    // Relaxed: `told` is written by this fiber.
    if (s->kind_ != kind::throws_timed_out || s->state_.load(std::memory_order_relaxed) != told)
      continue;
    // Relaxed: likewise.
    s->state_.store(has_expired, std::memory_order_relaxed);
    // Relaxed: looked at by this fiber.
    owner_.requests.fetch_or(fiber_request::scope, std::memory_order_relaxed);
  }
}

// No scope that is still open may lose its request by that.
void cancel_scope::take_back(fiber& self) noexcept {
  // Acquire: pairs with the release in mark(): the state of who set the bit is seen below, and who
  // comes after this leaves it set.
  self.requests.fetch_and(~fiber_request::scope, std::memory_order_acquire);
  for (cancel_scope* s = self.scopes; s != nullptr; s = s->outer_)
    // Relaxed: see above.
    if (s->state_.load(std::memory_order_relaxed) == has_expired)
      // Relaxed: looked at by this fiber.
      self.requests.fetch_or(fiber_request::scope, std::memory_order_relaxed);
}

void cancel_scope::set_deadline(deadline until) {
  timer_.clear_timer();
  if (expired()) throw std::logic_error("coir: a timeout is moved after it has expired");
  timer_.until = until;
  if (until.is_never()) return;
  if (until <= deadline::now()) return expire();
  timer_.set_timer(*current_worker());
}

bool cancel_scope::mark() noexcept {
  std::uint32_t state = open;
  // Release: pairs with expired(). Relaxed: who finds it expired looks at nothing of it.
  if (!state_.compare_exchange_strong(state, has_expired, std::memory_order_release,
                                      std::memory_order_relaxed))
    return false;
  // Release: pairs with the acquire of who takes the bit back, and looks at the state.
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
  for (cancel_scope* s = self.scopes; s != nullptr; s = s->outer_)
    if (s->state_.load(std::memory_order_acquire) == has_expired)  // acquire: pairs with mark()
      outermost = s;
  if (outermost == nullptr) return;
  // Relaxed: this fiber alone reads `told`.
  outermost->state_.store(told, std::memory_order_relaxed);
  take_back(self);
  if (outermost->kind_ == kind::throws_timed_out) throw timed_out();
  throw delivered<scope_cancelled>(self, *outermost);
}

}  // namespace v1
}  // namespace coir
