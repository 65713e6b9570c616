// blocking_pool.hpp - the threads that make blocking calls for fibers.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/run_blocking.hpp>
#include <coir/spinlock.hpp>
#include <coir/wait.hpp>

#include <exception>

namespace coir {
inline namespace v1 {

// One for the process; a child of fork() has another. Threads are made when a job comes and none is
// idle, up to a limit, and never end: what a detached thread does at the end of the process is
// nothing. The one that went idle last is used first, since its stack is warm.
//
// A job is put into the queue first, then a thread is called or made for it. Whichever thread comes
// first takes it; one that finds the queue empty goes idle again, under the lock that a job is put
// in under, so no job waits while a thread is idle.
//
// An idle thread waits without a deadline at the door to wait, so the search for deadlocks counts
// it among those that sleep; one that makes a call is not, and while it lives nothing is found.
class blocking_pool {
 public:
  static blocking_pool& instance();

  unsigned most_threads() const noexcept { return most_threads_; }

  // See blocking_job::perform().
  void perform(blocking_job& job);

 private:
  struct idle_thread;

  blocking_pool() noexcept;

  // Under lock_.
  void enqueue(blocking_job& job) noexcept;
  void dequeue(blocking_job& job) noexcept;
  [[nodiscard]] waiter* conclude(blocking_job& job) noexcept;

  void submit(blocking_job& job);
  void wait_for_end(blocking_job& job);
  void lose_thread(std::exception_ptr why) noexcept;
  void main() noexcept;
  void make(blocking_job& job) noexcept;
  void sleep() noexcept;

  const unsigned most_threads_;
  spinlock lock_;
  // -- under lock_
  blocking_job* first_ = nullptr;
  blocking_job* last_ = nullptr;
  idle_thread* idle_ = nullptr;  // the one that went idle last
  unsigned threads_ = 0;
};

}  // namespace v1
}  // namespace coir
