// task_watch.cpp - waits for the ends of several tasks, whatever their results.
// SPDX-License-Identifier: BSL-1.0
#include <coir/task_watch.hpp>

#include <coir/this_fiber.hpp>
#include <coir/uncancellable.hpp>

#include <exception>
#include <mutex>
#include <stdexcept>
#include <system_error>

#include "sched/request.hpp"
#include "sched/wait_failure.hpp"

namespace coir {
inline namespace v1 {

void task_watch::add(const any_task& t, bool shielded) {
  fiber& f = t.target();
  if (worker* here = current_worker(); here != nullptr && here->current == &f)
    throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                            "coir: a fiber waits for itself");
  member& m = members_[added_++];
  m.task_ = &f;
  m.watch_ = this;
  m.shielded_ = shielded;
  {
    std::lock_guard guard(lock_);
    ++left_;
  }
  if (m.watch(f)) return;
  std::lock_guard guard(lock_);
  add_ended(m);
}

void task_watch::add_ended(member& m) noexcept {
  m.ended_ = true;
  --left_;
  (last_ended_ != nullptr ? last_ended_->next_ : first_ended_) = &m;
  last_ended_ = &m;
  const fiber& f = *m.task_;
  bool fails = f.failure != nullptr && (until_ != until::one_threw || !f.ended_cancelled);
  if (failed_ == nullptr && fails) failed_ = &m;
}

waiter* task_watch::note(member& m) noexcept {
  std::lock_guard guard(lock_);
  add_ended(m);
  return is_over() ? waiters_.pop() : nullptr;
}

bool task_watch::is_over() const noexcept {
  switch (until_) {
    case until::one_ended:
      return first_ended_ != nullptr || left_ == 0;
    case until::one_threw:
    case until::one_failed:
      return failed_ != nullptr || left_ == 0;
    case until::all_ended:
      break;
  }
  return left_ == 0;
}

task_watch::member* task_watch::take_ended() noexcept {
  std::lock_guard guard(lock_);
  member* m = first_ended_;
  if (m != nullptr && (first_ended_ = m->next_) == nullptr) last_ended_ = nullptr;
  return m;
}

wait_outcome task_watch::wait_once(deadline end) {
  if (worker* here = current_worker()) check_cancelled(*here);
  waiter w("the end of one of several tasks");
  w.until = end;
  lock_.lock();
  if (is_over()) {
    lock_.unlock();
    return wait_outcome::success;
  }
  waiters_.push_back(w);
  return coir::wait(w, lock_);
}

bool task_watch::wait(deadline end) {
  wait_outcome outcome = wait_once(end);
  throw_unless_success(outcome);
  return outcome == wait_outcome::success;
}

bool task_watch::wait_handing_on() {
  wait_outcome outcome = wait_once(deadline::never());
  bool handed_on = false;
  while (outcome == wait_outcome::cancelled) {
    handed_on = true;
    cancel_all(false);
    waiter w("the end of several cancelled tasks");
    lock_.lock();
    if (is_over()) {
      lock_.unlock();
      break;
    }
    waiters_.push_back(w);
    outcome = coir::wait(w, lock_);
  }
  if (outcome == wait_outcome::deadlock) throw_wait_failure(outcome);
  return handed_on;
}

// Without lock_: a fiber that ends has its own lock when it comes here.
void task_watch::cancel_all(bool all) noexcept {
  for (member& m : members_.first(added_))
    if (all || !m.shielded_) request_cancel(*m.task_, {});
}

task_watch::member& task_watch::race() {
  if (members_.empty()) throw std::invalid_argument("coir: a race of no task at all");
  bool handed_on = wait_handing_on();
  member& first = *take_ended();
  {
    std::lock_guard guard(lock_);
    until_ = until::all_ended;
  }
  cancel_all(true);
  {
    uncancellable they_have_been_asked;
    static_cast<void>(wait(deadline::never()));
  }
  ignore_failures();
  if (handed_on && first.task_->ended_cancelled) deliver_requests(*current_worker());
  if (first.task_->failure != nullptr) std::rethrow_exception(first.task_->failure);
  return first;
}

// Nobody is to hear of their failures any more, come what may.
void task_watch::ignore_failures() noexcept {
  for (member& m : members_.first(added_))
    // Relaxed: looked at by who drops the last handle, and the caller has one.
    m.task_->looked_at.store(1, std::memory_order_relaxed);
}

void task_watch::throw_failure(bool handed_on) {
  std::exception_ptr failure;
  bool cancelled = false;
  {
    std::lock_guard guard(lock_);
    if (failed_ == nullptr) return;
    failure = failed_->task_->failure;
    cancelled = failed_->task_->ended_cancelled;
  }
  ignore_failures();
  // The answer to what this fiber was asked.
  if (handed_on && cancelled) deliver_requests(*current_worker());
  std::rethrow_exception(failure);
}

void task_watch::throw_if_answered(bool handed_on) {
  if (!handed_on) return;
  for (member& m : members_.first(added_))
    if (m.task_->ended_cancelled) return deliver_requests(*current_worker());
}

void task_watch::leave_all() noexcept {
  for (member& m : members_.first(added_)) m.leave(*m.task_);
}

}  // namespace v1
}  // namespace coir
