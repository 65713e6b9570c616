// task.cpp - waiting for a fiber's end, and looking at what became of it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/task.hpp>

#include <coir/cancelled.hpp>
#include <coir/this_fiber.hpp>
#include <coir/wait.hpp>

#include <mutex>
#include <stdexcept>
#include <system_error>

#include "fiber/fiber_name.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/fiber_end.hpp"
#include "sched/request.hpp"
#include "sched/wait_failure.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {
namespace {

constexpr const char* purpose = "the end of a task";

// The exceptions that the fiber handles wait with it, and no request ends its wait while one is on
// its way.
[[gnu::noinline]] void change_amid_exceptions(worker& here, fiber& self, context& next) noexcept {
  exception_globals own = std::exchange(*here.exceptions, {});
  if (own.uncaught != 0) add_mask(self, 1);
  worker::change(here, self, next, false);
  if (own.uncaught != 0) add_mask(self, -1U);
  *calling_thread().exceptions = own;
}

// The wait of f's starter was ended by something else.
[[gnu::noinline, gnu::cold]] void leave_starter(fiber& f) noexcept {
  std::lock_guard guard(f.lock);
  f.starter = nullptr;
}

// Switches straight to a fiber that has not started and waits in this worker's own queue, so that
// trees of tasks run depth-first on a handful of stacks; and waits for its end. Pending, and
// nothing done, where that is not so, where those in the queue have been passed over too often, or
// where the fibers here have been told of the runtime's end: it would never hear of it, and is
// dropped when its turn comes.
[[gnu::always_inline]] inline wait_outcome start_now(worker_core& here, fiber& f) noexcept {
  // Relaxed: a guess; the queue says it.
  if (f.state.load(std::memory_order_relaxed) != fiber_state::fresh || f.pinned)
    return wait_outcome::pending;
  here.guard.enter();
  --here.budget;
  // Relaxed: while the guard is held nobody takes a fiber from this worker's queue.
  bool mine = f.home.load(std::memory_order_relaxed) == &here && here.may_start(f);
  if (!mine || here.starving || here.told_of_end || !here.start(f)) {
    here.guard.leave();
    return wait_outcome::pending;
  }
  here.ready.take(f);
  fiber& self = *here.current;
  f.starter = &self;  // without the lock: looked at when f ends, which has not begun
  begin_wait(self, here, purpose);
  here.current = &f;
  if (exceptions_live(*here.exceptions)) [[unlikely]] {
    change_amid_exceptions(here, self, f.ctx);
  } else {
    worker::change(here, self, f.ctx, false);
  }
  end_wait(self);
  wait_outcome outcome = outcome_of(self.wait_word);
  if (outcome != wait_outcome::success) [[unlikely]]
    leave_starter(f);
  return outcome;
}

[[noreturn, gnu::noinline, gnu::cold]] void refuse_to_join_itself(fiber& f) {
  throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                          "coir: fiber '" + name_of(f) + "' joins itself");
}

void look_at(fiber& failed) noexcept {
  // Relaxed: looked at by who drops the last handle, and this is one.
  failed.looked_at.store(1, std::memory_order_relaxed);
}

// Waits for the end of f, once: success, or a request or deadlock that ended the wait. Not inlined:
// its switch is another than that of start_now().
[[gnu::noinline]] wait_outcome wait_for_end_of(fiber& f) noexcept {
  if (finished(f)) return wait_outcome::success;
  waiter w(purpose);
  f.lock.lock();
  if (finished(f)) {
    f.lock.unlock();
    return wait_outcome::success;
  }
  f.joiners.push_back(w);
  return wait(w, f.lock);
}

// Who waits for f is asked to end: so is f, and its end is waited for. If that was a cancellation,
// it is the answer to the request; if not, the wait has succeeded, and the request stays.
[[gnu::noinline, gnu::cold]] void hand_on_request(fiber& f) {
  wait_outcome outcome;
  do {
    request_cancel(f, {});
    outcome = wait_for_end_of(f);
  } while (outcome == wait_outcome::cancelled);
  // By a deadlock, f has not ended.
  if (outcome != wait_outcome::success) return throw_wait_failure(outcome);
  if (f.ended_cancelled) deliver_requests(*current_worker());
}

void join_fiber(fiber& f, bool hands_on) {
  wait_outcome outcome = wait_outcome::pending;
  if (worker* here = current_worker()) {
    if (here->current == &f) [[unlikely]]
      refuse_to_join_itself(f);
    // Before the look: a deadline of the fiber's own may be due, and start_now() is to find some
    // budget left.
    if (here->budget == 1) worker_core::of(*here).poll();
    check_cancelled(*here);
    outcome = start_now(worker_core::of(*here), f);
  }
  if (outcome == wait_outcome::pending) outcome = wait_for_end_of(f);
  if (outcome == wait_outcome::success) [[likely]]
    return;
  if (outcome == wait_outcome::cancelled && hands_on) return hand_on_request(f);
  throw_wait_failure(outcome);
}

}  // namespace

any_task::any_task(const any_task& other) noexcept : fiber_(other.fiber_) {
  // Relaxed: the other handle holds it.
  if (fiber_ != nullptr) fiber_->references.fetch_add(1, std::memory_order_relaxed);
}

any_task::~any_task() {
  if (fiber_ != nullptr) release_fiber(*fiber_);
}

fiber& any_task::target() const {
  if (fiber_ == nullptr) throw std::logic_error("coir: this handle has no task");
  return *fiber_;
}

fiber& any_task::await(if_cancelled then) const {
  fiber& f = target();
  join_fiber(f, then == if_cancelled::cancel_it);
  if (f.failure != nullptr) {
    look_at(f);
    std::rethrow_exception(f.failure);
  }
  return f;
}

void any_task::join() const {
  join_fiber(target(), true);
}

void any_task::join_shielded() const {
  join_fiber(target(), false);
}

bool any_task::done() const {
  return finished(target());
}

bool any_task::cancelled() const {
  return done() && target().ended_cancelled;
}

std::exception_ptr any_task::exception() const {
  join();
  return failure();
}

std::exception_ptr any_task::failure() const noexcept {
  if (fiber_->failure != nullptr) look_at(*fiber_);
  return fiber_->failure;
}

bool any_task::cancel(std::string_view message) const {
  return request_cancel(target(), message);
}

std::uint32_t any_task::cancelling() const {
  // Relaxed: a count.
  return target().times_asked.load(std::memory_order_relaxed);
}

std::uint32_t any_task::uncancel() const {
  atomic_cell<std::uint32_t>& asked = target().times_asked;
  // Relaxed: a count.
  std::uint32_t times = asked.load(std::memory_order_relaxed);
  while (times != 0 && !asked.compare_exchange_weak(times, times - 1, std::memory_order_relaxed)) {
  }
  return times != 0 ? times - 1 : 0;
}

std::string any_task::name() const {
  return name_of(target());
}

void any_task::set_name(std::string_view name) const {
  name_fiber(target(), name);
}

}  // namespace v1
}  // namespace coir
