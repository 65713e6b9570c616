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
#include "sched/wait_failure.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {
namespace {

// Switches straight to a fiber that has not started and waits in this worker's own queue, so that
// trees of tasks run depth-first on a handful of stacks. False, and nothing done, where that is not
// so, or where those in the queue have been passed over too often.
[[gnu::always_inline]] inline bool start_now(worker_core& here, fiber& f, waiter& w) noexcept {
  here.guard.enter();
  if (--here.budget == 0) {
    here.guard.leave();
    here.poll();
    here.guard.enter();
  }
  // Relaxed: while the guard is held nobody takes a fiber from this worker's queue.
  bool mine = f.state.load(std::memory_order_relaxed) == fiber_state::fresh &&
              f.home.load(std::memory_order_relaxed) == &here && here.in_queue(f);
  if (!mine || here.starving || !here.start(f)) {
    here.guard.leave();
    return false;
  }
  here.ready.take(f);
  f.handed_over = true;
  fiber& self = *here.current;
  bool handling = exceptions_live(*here.exceptions);
  exception_globals own{};
  if (handling) own = std::exchange(*here.exceptions, {});
  w.begin(here);
  here.current = &f;
  here.carried = &f.lock;
  worker::change(here, self, f.ctx, true);
  if (handling) *this_thread().exceptions = own;
  w.end();
  return true;
}

[[noreturn, gnu::noinline, gnu::cold]] void refuse_to_join_itself(fiber& f) {
  throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                          "coir: fiber '" + name_of(f) + "' joins itself");
}

// Not inlined: this switch is another than that of start_now().
[[gnu::noinline]] wait_outcome wait_as_joiner(fiber& f, waiter& w) noexcept {
  return wait(w, f.lock);
}

void join_fiber(fiber& f) {
  worker* here = current_worker();
  if (here != nullptr) {
    if (here->current == &f) [[unlikely]]
      refuse_to_join_itself(f);
    check_cancelled(*here);
  }
  if (finished(f)) return;
  waiter w("the end of a task");
  f.lock.lock();
  if (finished(f)) return f.lock.unlock();
  f.joiners.push_back(w);
  wait_outcome outcome;
  if (here != nullptr && !f.pinned && start_now(worker_core::of(*here), f, w)) {
    outcome = w.outcome();
    if (outcome != wait_outcome::success) [[unlikely]]
      leave_list(w, f.lock);
  } else {
    outcome = wait_as_joiner(f, w);  // a thread's waiter cannot be asked any more
  }
  throw_unless_success(outcome);
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

fiber& any_task::await() const {
  fiber& f = target();
  join_fiber(f);
  if (f.failure != nullptr) std::rethrow_exception(f.failure);
  return f;
}

void any_task::join() const {
  join_fiber(target());
}

bool any_task::done() const {
  return finished(target());
}

bool any_task::cancelled() const {
  if (!done() || target().failure == nullptr) return false;
  try {
    std::rethrow_exception(target().failure);
  } catch (const coir::cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

std::exception_ptr any_task::exception() const {
  join();
  return target().failure;
}

std::string any_task::name() const {
  return name_of(target());
}

void any_task::set_name(std::string_view name) {
  name_fiber(target(), name);
}

}  // namespace v1
}  // namespace coir
