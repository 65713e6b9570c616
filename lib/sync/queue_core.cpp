// queue_core.cpp - places in queues, items, and those that wait for either.
// SPDX-License-Identifier: BSL-1.0
#include <coir/queue_core.hpp>

#include <coir/queue_shutdown.hpp>
#include <coir/this_fiber.hpp>
#include <coir/wait.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/assert.hpp"
#include "sched/wait_failure.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {

queue_shutdown::~queue_shutdown() = default;

void throw_queue_shutdown() {
  throw queue_shutdown();
}

// One that waits for a place or for an item.
struct queue_core::party : waiter {
  party(const char* purpose, deadline end) noexcept : waiter(purpose) { until = end; }

  // -- written by who decides it, under lock_
  queue_node* item = nullptr;  // handed over
  bool refused = false;        // by shut_down()
};

queue_core::~queue_core() {
  if (!putters_.empty() || !getters_.empty() || !joiners_.empty())
    abort_with("a queue is destroyed while somebody waits on it");
}

bool queue_core::admit(deadline until) {
  if (worker* here = current_worker()) check_cancelled(*here);
  lock_.lock();
  if (shut_ || has_place()) return admit_now();
  party w("room in a queue", until);
  putters_.push_back(w);
  wait_outcome outcome = coir::wait(w, lock_);
  throw_unless_success(outcome);
  if (w.refused) throw_queue_shutdown();
  return outcome == wait_outcome::success;
}

bool queue_core::try_admit() {
  lock_.lock();
  if (shut_ || has_place()) return admit_now();
  lock_.unlock();
  return false;
}

bool queue_core::admit_now() {
  bool shut = shut_;
  if (!shut) ++coming_;
  lock_.unlock();
  if (shut) throw_queue_shutdown();
  return true;
}

void queue_core::withdraw() noexcept {
  waiter_chain woken;
  {
    std::lock_guard guard(lock_);
    --coming_;
    let_in(woken);
    if (drained()) refuse(getters_, woken);
  }
  woken.resume();
}

bool queue_core::land(queue_node* item) noexcept {
  waiter_chain woken;
  bool kept;
  {
    std::lock_guard guard(lock_);
    --coming_;
    kept = !emptied_;
    if (kept) {
      ++unfinished_;
      offer(item, order_ == queue_order::last_in, woken);
    }
    let_in(woken);
    if (drained()) refuse(getters_, woken);
  }
  woken.resume();
  return kept;
}

bool queue_core::claim(queue_node*& item, deadline until) {
  if (worker* here = current_worker()) check_cancelled(*here);
  lock_.lock();
  if (free_ != 0 || drained()) return claim_now(item);
  party w("an item of a queue", until);
  getters_.push_back(w);
  wait_outcome outcome = coir::wait(w, lock_);
  throw_unless_success(outcome);
  if (w.refused) throw_queue_shutdown();
  item = w.item;
  return outcome == wait_outcome::success;
}

bool queue_core::try_claim(queue_node*& item) {
  lock_.lock();
  if (free_ != 0 || drained()) return claim_now(item);
  lock_.unlock();
  return false;
}

bool queue_core::claim_now(queue_node*& item) {
  std::unique_lock guard(lock_, std::adopt_lock);
  if (free_ == 0) {
    guard.unlock();
    throw_queue_shutdown();
  }
  --free_;
  ++promised_;
  item = order_ == queue_order::elsewhere ? nullptr : take(guard);
  return true;
}

queue_node* queue_core::take() noexcept {
  std::unique_lock guard(lock_);
  return take(guard);
}

queue_node* queue_core::take(std::unique_lock<spinlock>& guard) noexcept {
  waiter_chain woken;
  --promised_;
  queue_node* item = pop_front();
  let_in(woken);
  guard.unlock();
  woken.resume();
  return item;
}

void queue_core::disclaim() noexcept {
  waiter_chain woken;
  {
    std::lock_guard guard(lock_);
    --promised_;
    if (!emptied_) offer(nullptr, false, woken);
  }
  woken.resume();
}

bool queue_core::give_back(queue_node& item) noexcept {
  waiter_chain woken;
  bool kept;
  {
    std::lock_guard guard(lock_);
    kept = !emptied_;
    if (kept) {
      offer(&item, true, woken);
    } else {
      finish(1, woken);
    }
  }
  woken.resume();
  return kept;
}

void queue_core::task_done() {
  waiter_chain woken;
  {
    std::unique_lock guard(lock_);
    if (unfinished_ == 0) {
      guard.unlock();
      throw std::logic_error("coir: task_done() is called more often than items were put");
    }
    finish(1, woken);
  }
  woken.resume();
}

void queue_core::join() {
  if (worker* here = current_worker()) check_cancelled(*here);
  waiter w("the items of a queue to be done");
  lock_.lock();
  if (unfinished_ == 0) return lock_.unlock();
  joiners_.push_back(w);
  throw_unless_success(coir::wait(w, lock_));
}

queue_node* queue_core::shut_down(bool empty) noexcept {
  waiter_chain woken;
  queue_node* dropped = nullptr;
  {
    std::lock_guard guard(lock_);
    shut_ = true;
    refuse(putters_, woken);
    if (empty && !emptied_) {
      emptied_ = true;
      dropped = std::exchange(first_, nullptr);
      // What has been promised is dropped, too: who comes for it finds nothing.
      finish(std::exchange(free_, 0) + promised_, woken);
    }
    if (drained()) refuse(getters_, woken);
  }
  woken.resume();
  return dropped;
}

std::size_t queue_core::size() const noexcept {
  std::lock_guard guard(lock_);
  return free_;
}

bool queue_core::full() const noexcept {
  std::lock_guard guard(lock_);
  return !has_place();
}

void queue_core::push_front(queue_node& item) noexcept {
  if (first_ == nullptr) last_ = &item;
  item.next = std::exchange(first_, &item);
}

void queue_core::push_back(queue_node& item) noexcept {
  item.next = nullptr;
  (first_ != nullptr ? last_->next : first_) = &item;
  last_ = &item;
}

queue_node* queue_core::pop_front() noexcept {
  return first_ != nullptr ? std::exchange(first_, first_->next) : nullptr;
}

// One more item, for the getter that waits longest if there is one.
void queue_core::offer(queue_node* item, bool in_front, waiter_chain& woken) noexcept {
  auto* getter = static_cast<party*>(getters_.pop());
  if (getter != nullptr) woken.add(*getter);
  if (getter != nullptr && order_ == queue_order::first_in) {
    getter->item = item;
    return;
  }
  if (item != nullptr) in_front ? push_front(*item) : push_back(*item);
  ++(getter != nullptr ? promised_ : free_);
}

// Those that wait for a place, as far as there are places.
void queue_core::let_in(waiter_chain& woken) noexcept {
  while (has_place()) {
    waiter* putter = putters_.pop();
    if (putter == nullptr) return;
    ++coming_;
    woken.add(*putter);
  }
}

void queue_core::refuse(wait_list& list, waiter_chain& woken) noexcept {
  while (auto* w = static_cast<party*>(list.pop())) {
    w->refused = true;
    woken.add(*w);
  }
}

void queue_core::finish(std::size_t items, waiter_chain& woken) noexcept {
  unfinished_ -= std::min(items, unfinished_);  // some may have been marked before they were got
  if (unfinished_ == 0) woken.add_all(joiners_);
}

}  // namespace v1
}  // namespace coir
