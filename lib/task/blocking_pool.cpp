// blocking_pool.cpp - the threads that make blocking calls for fibers.
// SPDX-License-Identifier: BSL-1.0
#include "task/blocking_pool.hpp"

#include <coir/cancelled.hpp>
#include <coir/this_fiber.hpp>
#include <coir/uncancellable.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include <pthread.h>

#include "arch/fork.hpp"
#include "base/assert.hpp"
#include "sched/context_binding.hpp"
#include "sched/process.hpp"
#include "sched/runtime_core.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {
namespace {

constinit std::atomic<blocking_pool*> standing{nullptr};

void forget_pool() {
  // Relaxed: a child has one thread.
  standing.store(nullptr, std::memory_order_relaxed);
}

}  // namespace

void blocking_job::perform() {
  check_cancelled(*current_worker());
  blocking_pool::instance().perform(*this);
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

// A thread that waits for a job, on its own stack.
struct blocking_pool::idle_thread {
  waiter w{"a blocking call to make"};
  idle_thread* below;
};

blocking_pool::blocking_pool() noexcept
    : most_threads_(std::max(32U, 4 * std::thread::hardware_concurrency())) {}

blocking_pool& blocking_pool::instance() {
  static const bool watched = (forget_in_children(&forget_pool), true);
  static_cast<void>(watched);
  // Acquire: pairs with the release below.
  blocking_pool* pool = standing.load(std::memory_order_acquire);
  if (pool != nullptr) return *pool;
  std::unique_ptr<blocking_pool> made(new blocking_pool);
  // Release: the pool is there for who finds it. Acquire: so is the one of another thread that was
  // first.
  if (standing.compare_exchange_strong(pool, made.get(), std::memory_order_acq_rel))
    pool = made.release();
  return *pool;
}

// -- the fiber's side

void blocking_pool::perform(blocking_job& job) {
  worker* here = current_worker();
  runtime_core::outside_call call_under_way(worker_core::of(*here).runtime);
  job.bindings_ = here->current->bindings;
  submit(job);
  wait_for_end(job);
}

void blocking_pool::submit(blocking_job& job) {
  lock_.lock();
  enqueue(job);
  idle_thread* called = idle_;
  if (called != nullptr) {
    idle_ = called->below;
    static_cast<void>(called->w.decide(wait_outcome::success));  // nobody else can
  }
  bool wanted = called == nullptr && threads_ < most_threads_;
  if (wanted) ++threads_;
  lock_.unlock();
  if (called != nullptr) called->w.resume();
  if (!wanted) return;
  try {
    std::thread([this] { main(); }).detach();
  } catch (...) {
    lose_thread(std::current_exception());
  }
}

// A thread that was counted could not be made. Where it was the only one, nobody comes for the
// jobs.
void blocking_pool::lose_thread(std::exception_ptr why) noexcept {
  waiter_chain told;
  lock_.lock();
  if (--threads_ == 0) {
    while (first_ != nullptr) {
      blocking_job& job = *first_;
      dequeue(job);
      job.failure_ = why;
      if (waiter* w = conclude(job)) told.add(*w);
    }
  }
  lock_.unlock();
  told.resume();
}

void blocking_pool::wait_for_end(blocking_job& job) {
  lock_.lock();
  if (job.stage_ == blocking_job::stage::over) return lock_.unlock();
  waiter w("a blocking call");
  job.waiting_.push_back(w);
  wait_outcome outcome = wait(w, lock_);
  if (outcome == wait_outcome::success) return;
  lock_.lock();
  if (job.stage_ == blocking_job::stage::queued) {
    dequeue(job);
    job.stage_ = blocking_job::stage::withdrawn;
    lock_.unlock();
    throw_wait_failure(outcome);
  }
  // It has been begun, and refers to what lies here. A deadlock may end by what others do about it;
  // one more is the end.
  {
    uncancellable until_it_is_over;
    bool stuck = outcome == wait_outcome::deadlock;
    while (job.stage_ != blocking_job::stage::over) {
      waiter again("the end of a blocking call");
      job.waiting_.push_back(again);
      if (wait(again, lock_) == wait_outcome::deadlock && std::exchange(stuck, true))
        abort_with("deadlock: a blocking call waits, and nothing can end that");
      lock_.lock();
    }
    lock_.unlock();
  }
  if (outcome == wait_outcome::cancelled) throw_wait_failure(outcome);
}

// -- the queue

void blocking_pool::enqueue(blocking_job& job) noexcept {
  job.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &job;
  last_ = &job;
}

void blocking_pool::dequeue(blocking_job& job) noexcept {
  (job.previous_ != nullptr ? job.previous_->next_ : first_) = job.next_;
  (job.next_ != nullptr ? job.next_->previous_ : last_) = job.previous_;
}

// Once unlocked the job may be gone, unless somebody is returned who is to be resumed.
waiter* blocking_pool::conclude(blocking_job& job) noexcept {
  job.stage_ = blocking_job::stage::over;
  return job.waiting_.pop();
}

// -- the thread's side

void blocking_pool::main() noexcept {
  pthread_setname_np(pthread_self(), "coir-blocking");
  lock_.lock();
  while (true) {
    if (blocking_job* job = first_) {
      make(*job);
    } else {
      sleep();
    }
    lock_.lock();
  }
}

// Both are called with the lock and return without.
void blocking_pool::make(blocking_job& job) noexcept {
  dequeue(job);
  job.stage_ = blocking_job::stage::runs;
  lock_.unlock();
  std::uint32_t process = process_generation();
  context_binding* before = lend_bindings(job.bindings_);  // the fiber keeps them until it goes on
  try {
    job.call();
  } catch (...) {
    job.failure_ = std::current_exception();
  }
  lend_bindings(before);
  if (process != process_generation())
    abort_with("a blocking call returns in a child of fork(), which is to call _exit()");
  lock_.lock();
  waiter* w = conclude(job);
  lock_.unlock();
  if (w != nullptr) w->resume();
}

void blocking_pool::sleep() noexcept {
  idle_thread self;
  self.below = std::exchange(idle_, &self);
  wait_as_thread(self.w, &lock_);
}

}  // namespace v1
}  // namespace coir
