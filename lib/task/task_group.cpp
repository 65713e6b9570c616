// task_group.cpp - tasks that do not outlive a block, and fail together.
// SPDX-License-Identifier: BSL-1.0
#include <coir/task_group.hpp>

#include <coir/this_fiber.hpp>
#include <coir/uncancellable.hpp>

#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "base/assert.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/request.hpp"
#include "sched/wait_failure.hpp"

namespace coir {
inline namespace v1 {
namespace {

std::string words_of(const std::vector<std::exception_ptr>& errors) {
  std::string text = std::to_string(errors.size()) +
                     (errors.size() == 1 ? " task of a group failed" : " tasks of a group failed");
  for (const std::exception_ptr& e : errors) {
    try {
      std::rethrow_exception(e);
    } catch (const std::exception& known) {
      text += std::string("; ") + known.what();
    } catch (...) {
      text += "; not a std::exception";
    }
  }
  return text;
}

// As if what this fiber was told last had not been told yet. Who was never asked is not asked by
// that: a `cancelled` may come out of a task that was.
void ask_again() noexcept {
  worker* here = current_worker();
  if (here == nullptr) return;
  fiber& self = *here->current;
  // Relaxed: counts.
  if (self.times_asked.load(std::memory_order_relaxed) != 0 ||
      self.told_of_end.load(std::memory_order_relaxed) != 0)
    // Relaxed: this fiber will look at it itself.
    self.requests.fetch_or(fiber_request::cancel, std::memory_order_relaxed);
}

}  // namespace

task_group_error::task_group_error(std::vector<std::exception_ptr> errors)
    : runtime_error(words_of(errors)),
      errors_(std::make_shared<const std::vector<std::exception_ptr>>(std::move(errors))) {}
task_group_error::~task_group_error() = default;

// Given back by who holds the group: that may destroy a result, which is not for the thread on
// which the task has just ended.
struct task_group::member final : end_watcher {
  explicit member(task_group& of) noexcept : end_watcher(told::afterwards), group(of) {}
  virtual ~member() = default;
  waiter* ended(fiber&) noexcept override { return group.note(*this); }

  task_group& group;
  any_task task;
  // -- under the group's lock
  member_list* list = nullptr;
  member* next = nullptr;
  member* previous = nullptr;
};

void task_group::member_list::push_back(member& m) noexcept {
  m.list = this;
  m.next = nullptr;
  m.previous = last;
  (last != nullptr ? last->next : first) = &m;
  last = &m;
}

void task_group::member_list::remove(member& m) noexcept {
  (m.previous != nullptr ? m.previous->next : first) = m.next;
  (m.next != nullptr ? m.next->previous : last) = m.previous;
}

task_group::member_place task_group::admit() {
  drop_ended();
  member_place place(new member(*this), [](member* m) { delete m; });
  std::lock_guard guard(lock_);
  if (closed_) throw std::logic_error("coir: a task is spawned into a group that has ended");
  if (aborting_) throw std::logic_error("coir: a task is spawned into a group that is closing");
  ++entering_;
  return place;
}

void task_group::withdraw() noexcept {
  waiter* w = nullptr;
  {
    std::lock_guard guard(lock_);
    --entering_;
    if (is_over()) w = waiters_.pop();
  }
  if (w != nullptr) w->resume();
}

void task_group::add(member_place place, const any_task& made) noexcept {
  member& m = *place.release();
  m.task = made;
  fiber& f = made.target();
  bool too_late;
  {
    std::lock_guard guard(lock_);
    too_late = aborting_;
    (too_late ? asked_ : live_).push_back(m);
    --entering_;
  }
  if (too_late) request_cancel(f, {});
  if (m.watch(f)) return;
  if (waiter* w = note(m)) w->resume();
}

// As long as the task is in a list of those that have not ended the group is there, and then as
// long as somebody asks the others; what may be the last touch comes last. A failure is in its list
// before anybody is asked because of it: those that follow from it come after.
waiter* task_group::note(member& m) noexcept {
  const fiber& f = m.task.target();
  bool failed = f.failure != nullptr && !f.ended_cancelled;
  {
    std::lock_guard guard(lock_);
    m.list->remove(m);
    (failed ? failed_ : ended_).push_back(m);
    if (failed && scope_ != nullptr) scope_->expire();
    if (!failed || aborting_) return is_over() ? waiters_.pop() : nullptr;
    aborting_ = true;
    ++asking_;
  }
  return ask_all();
}

// Of those who have counted themselves as asking. Gives whom to resume if the group is over.
waiter* task_group::ask_all() noexcept {
  std::unique_lock guard(lock_);
  while (member* m = live_.first) {
    live_.remove(*m);
    asked_.push_back(*m);
    guard.unlock();
    request_cancel(m->task.target(), {});
    guard.lock();
  }
  --asking_;
  return is_over() ? waiters_.pop() : nullptr;
}

void task_group::cancel() noexcept {
  {
    std::lock_guard guard(lock_);
    aborting_ = true;
    ++asking_;
  }
  if (waiter* w = ask_all()) w->resume();
}

// Waits until all have ended; whether a request to end was handed on to them. One that has come
// before is, too: their failures would else be heard by nobody.
bool task_group::wait_for_all() {
  worker* here = current_worker();
  bool handed_on = here != nullptr && delivers_now(*here);
  if (handed_on) cancel();
  while (true) {
    waiter w("the tasks of a group");
    lock_.lock();
    if (is_over()) {
      closed_ = true;
      waiter* other = waiters_.pop();  // each who joins wakes the next
      lock_.unlock();
      if (other != nullptr) other->resume();
      return handed_on;
    }
    waiters_.push_back(w);
    wait_outcome outcome = coir::wait(w, lock_);
    if (outcome == wait_outcome::deadlock) throw_wait_failure(outcome);
    if (outcome != wait_outcome::cancelled) continue;
    handed_on = true;
    cancel();
  }
}

void task_group::refuse_own_tasks() {
  worker* here = current_worker();
  if (here == nullptr) return;
  std::lock_guard guard(lock_);
  for (member_list* list : {&live_, &asked_})
    for (member* m = list->first; m != nullptr; m = m->next)
      if (&m->task.target() == here->current)
        throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                                "coir: a task waits for the end of its own group");
}

std::vector<std::exception_ptr> task_group::take_errors() {
  std::vector<std::exception_ptr> errors;
  for (member* m = failed_.first; m != nullptr; m = m->next) errors.push_back(m->task.failure());
  if (body_error_ != nullptr)
    errors.insert(errors.begin() + static_cast<std::ptrdiff_t>(failed_before_body_), body_error_);
  return errors;
}

void task_group::join() {
  refuse_own_tasks();
  bool handed_on = wait_for_all();
  std::vector<std::exception_ptr> errors = take_errors();
  if (!errors.empty()) throw task_group_error(std::move(errors));
  if (handed_on) deliver_requests(*current_worker());
}

void task_group::drop_ended() noexcept {
  member* m = nullptr;
  {
    std::lock_guard guard(lock_);
    if (asking_ == 0) m = std::exchange(ended_, {}).first;
  }
  while (m != nullptr) delete std::exchange(m, m->next);
}

task_group::~task_group() {
  uncancellable while_they_end;
  if (std::uncaught_exceptions() > exceptions_) cancel();
  try {
    wait_for_all();
  } catch (const deadlock&) {
    abort_with("deadlock: a group of tasks is destroyed, and nothing can end one of them");
  }
  drop_ended();
  for (member* m = failed_.first; m != nullptr;) delete std::exchange(m, m->next);
}

// -- The body of with_task_group().

task_group::body::body(task_group& of) : group_(of) {
  if (current_worker() == nullptr) return;
  scope_.emplace(cancel_scope::kind::throws_scope_cancelled);
  group_.body_scope_ = &*scope_;
  std::lock_guard guard(group_.lock_);
  group_.scope_ = &*scope_;
}

task_group::body::~body() {
  std::lock_guard guard(group_.lock_);
  group_.scope_ = nullptr;
}

void task_group::end_body() {
  bool from_outside = false;
  bool cancelled_by_handle = false;
  try {
    throw;
  } catch (const scope_cancelled&) {
    from_outside = true;
  } catch (const cancelled&) {
    from_outside = cancelled_by_handle = true;
  } catch (const timed_out&) {
    from_outside = cancel_scope::timeout_has_expired();
    if (!from_outside) keep_body_error();
  } catch (...) {
    keep_body_error();
  }
  cancel();
  if (!from_outside) return;
  {
    uncancellable they_have_been_asked;
    wait_for_all();
  }
  if (failed_.empty()) throw;
  // The failures are thrown instead, and the request is not to be lost.
  if (cancelled_by_handle) ask_again();
}

void task_group::keep_body_error() {
  body_error_ = std::current_exception();
  std::lock_guard guard(lock_);
  for (member* m = failed_.first; m != nullptr; m = m->next) ++failed_before_body_;
}

}  // namespace v1
}  // namespace coir
