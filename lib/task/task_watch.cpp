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
    if (shielded) ++shielded_left_;
  }
  if (m.watch(f)) return;
  std::lock_guard guard(lock_);
  add_ended(m);
}

void task_watch::add_ended(member& m) noexcept {
  m.ended_ = true;
  --left_;
  if (m.shielded_) --shielded_left_;
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
    case until::unshielded_ended:
      return left_ == shielded_left_;
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
  if (outcome == wait_outcome::success) return false;
  if (outcome != wait_outcome::cancelled) throw_wait_failure(outcome);
  end_unshielded();
  return true;
}

// Asks them, and waits; asks again whenever this fiber is. Those that are shielded are not waited
// for: nobody has asked them, and they may take for ever.
void task_watch::end_unshielded() {
  {
    std::lock_guard guard(lock_);
    until_ = until::unshielded_ended;
  }
  wait_outcome outcome;
  do {
    // Without lock_: a fiber that ends has its own lock when it comes here.
    for (member& m : members_.first(added_))
      if (!m.shielded_) request_cancel(*m.task_, {});
    waiter w("the end of several cancelled tasks");
    lock_.lock();
    if (is_over()) return lock_.unlock();
    waiters_.push_back(w);
    outcome = coir::wait(w, lock_);
  } while (outcome == wait_outcome::cancelled);
  throw_unless_success(outcome);
}

task_watch::member& task_watch::race() {
  if (members_.empty()) throw std::invalid_argument("coir: a race of no task at all");
  bool handed_on = wait_handing_on();
  {
    uncancellable they_have_been_asked;
    end_unshielded();
  }
  ignore_failures();
  member* first = take_ended();
  if (first == nullptr) throw_wait_failure(wait_outcome::cancelled);  // all are shielded
  if (handed_on && first->task_->ended_cancelled) deliver_requests(*current_worker());
  if (first->task_->failure != nullptr) std::rethrow_exception(first->task_->failure);
  return *first;
}

// Nobody is to hear of their failures any more, come what may.
void task_watch::ignore_failures() noexcept {
  for (member& m : members_.first(added_))
    // Relaxed: looked at by who drops the last handle, and the caller has one.
    m.task_->looked_at.store(1, std::memory_order_relaxed);
}

void task_watch::settle() {
  const bool until_failure = until_ == until::one_failed;  // handing on makes it another
  bool handed_on = wait_handing_on();
  until_failure ? throw_failure(handed_on) : throw_if_answered(handed_on);
}

// What this fiber was asked is the answer where not all have ended, too: it was handed on then.
void task_watch::throw_failure(bool handed_on) {
  member* failed;
  {
    std::lock_guard guard(lock_);
    failed = failed_;
    if (failed == nullptr && left_ == 0) return;
  }
  ignore_failures();
  // The answer to what this fiber was asked.
  if (handed_on && (failed == nullptr || failed->task_->ended_cancelled))
    throw_wait_failure(wait_outcome::cancelled);
  std::rethrow_exception(failed->task_->failure);
}

void task_watch::throw_if_answered(bool handed_on) {
  if (!handed_on) return;
  bool answered;
  {
    std::lock_guard guard(lock_);
    answered = left_ != 0;
  }
  for (member& m : members_.first(added_)) answered = answered || m.task_->ended_cancelled;
  if (answered) throw_wait_failure(wait_outcome::cancelled);
}

void task_watch::leave_all() noexcept {
  for (member& m : members_.first(added_)) m.leave(*m.task_);
}

}  // namespace v1
}  // namespace coir
