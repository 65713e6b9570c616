// runtime_core.hpp - the workers of one runtime, and who of them sleeps.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/runtime_options.hpp>
#include <coir/runtime_statistics.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sched/unhandled.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {

class runtime;
class watchdog;

// The calling thread is a worker for as long as this lives; what it was before comes back after,
// and so do the exceptions it handles: they are none of its fibers'.
class worker_seat {
 public:
  explicit worker_seat(worker_core& here) noexcept;
  ~worker_seat();
  worker_seat(const worker_seat&) = delete;
  worker_seat& operator=(const worker_seat&) = delete;

 private:
  worker_core& here_;
  exception_globals handled_;
};

class runtime_core {
 public:
  explicit runtime_core(const runtime_options& options);
  runtime_core(const runtime_core&) = delete;
  runtime_core& operator=(const runtime_core&) = delete;
  ~runtime_core();

  const runtime_options& options() const noexcept { return options_; }
  std::size_t workers() const noexcept { return workers_.size(); }
  worker_core& worker_at(std::size_t index) noexcept { return *workers_[index]; }

  // Starts threads for the workers from `first` on.
  void start_threads(std::size_t first);

  // Runs the loop of a worker on the calling thread until `until` says so; it is asked each time
  // nothing is ready, and when the worker has been called.
  template <class Until>
  void run_worker(worker_core& here, Until until) {
    worker_seat seat(here);
    while (true) {
      here.run_ready();
      // Before it looks at what it may have been called for.
      if (!here.idle) here.sleep.cancel();
      bool over = until();
      bool asleep = !over && here.idle && !here.steal() && !linger(here);
      // The watcher has found something else to do than to look round.
      if (!asleep && here.looks_round) leave_watch(here);
      if (over || asleep) here.drop_spare();
      if (over) return;
      if (asleep) park(here);
    }
  }

  // Runs worker 0 on the calling thread until `main` has ended.
  void run_until_ended(fiber& main);

  // Runs what is ready for worker 0 on the calling thread, about a millisecond of it at most, and
  // leaves the worker announced as asleep; called, where more is ready.
  bool run_embedded();

  // Blocks the calling thread, which is no worker, until no fiber lives.
  void wait_for_end() noexcept;

  runtime_statistics statistics() const noexcept;

  // Makes worker 0's loop look up, and the next take_stop() say so.
  void stop() noexcept;
  bool take_stop() noexcept {
    // Acquire: pairs with the release in stop().
    return stop_asked_.exchange(0, std::memory_order_acquire) != 0;
  }

  // Whether the threads of the workers are to end: the runtime is being destroyed.
  bool stopping() const noexcept {
    // Acquire: pairs with the release in the destructor.
    return stopping_.load(std::memory_order_acquire);
  }

  // A fresh fiber enters: from a fiber of `here`, a worker of this runtime; from any other thread.
  [[gnu::always_inline]] void enter_here(worker_core& here, fiber& fresh) {
    // First: a thief may have run it to its end before push_fresh() returns.
    worker_core::count(here.spawned);
    try {
      here.push_fresh(fresh);
    } catch (...) {
      worker_core::count(here.spawned, ~std::uint64_t{0});
      throw;
    }
    // Relaxed: a hint.
    if (!here.alone && here.queued.load(std::memory_order_relaxed) > 1) hire();
  }
  void enter(fiber& fresh);

  // A fiber is ready again.
  void make_ready(fiber& f) noexcept;

  // The same, on the worker after `from`.
  void send_on(const worker_core& from, fiber& f) noexcept;

  // A sleeping worker may find something to steal. Cheap when nobody sleeps.
  void hire() noexcept {
    // Relaxed: a hint; a worker that falls asleep just now is found by the watcher (park).
    if (asleep_.load(std::memory_order_relaxed) != 0) wake_one();
  }

  // A fiber waits for something that the outside does for it: the virtual clock stands still. Made
  // and destroyed by that fiber.
  class outside_call {
   public:
    explicit outside_call(runtime_core& around) noexcept : around_(around) {
      // Relaxed: looked at by workers that park after this one has (nobody_ready()).
      around_.outside_calls_.fetch_add(1, std::memory_order_relaxed);
    }
    outside_call(const outside_call&) = delete;
    outside_call& operator=(const outside_call&) = delete;
    ~outside_call() {
      // Relaxed: likewise; until then this worker is awake, and the clock stands still for that.
      around_.outside_calls_.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    runtime_core& around_;
  };

  // Fibers that have begun and not ended; fibers at all.
  std::uint64_t started() const noexcept;
  std::uint64_t live() const noexcept;

  // Ends every fiber that still exists: cancels those that wait, drops those that never began.
  void request_end() noexcept;
  bool ending() const noexcept {
    // Relaxed: looked at by each worker between fibers.
    return ending_.load(std::memory_order_relaxed);
  }

  // Cancels the fibers that wait on `here`, and asks all others to end at their next wait; from its
  // loop, once after request_end(). Each fiber is asked once, whichever worker comes to it first.
  void cancel_fibers_of(worker_core& here) noexcept;
  // Asks f to end at its next wait; false where that has been done.
  bool tell_of_end(fiber& f) noexcept;

  // Ends the waits of the fibers of `here` by `deadlock`; from its loop, when deadlocks() has
  // grown.
  void end_waits_of(worker_core& here) noexcept;
  std::uint32_t deadlocks() const noexcept {
    // Acquire: pairs with the release in end_deadlock().
    return deadlocks_.load(std::memory_order_acquire);
  }
  std::string deadlock_listing();

  // Looks for a few microseconds whether anything comes for `here`, before it sleeps: two workers
  // that talk to each other would spend their time in the kernel.
  bool linger(worker_core& here) noexcept;
  // Sleeps until there is something to do for `here`.
  void park(worker_core& here) noexcept;
  // `here` looked round as the watcher and has found something, or goes.
  void leave_watch(worker_core& here) noexcept;
  void call_watcher() noexcept;  // under mutex_

  // The process that made it; a child of fork() finds another one and keeps off.
  bool belongs_here() const noexcept;

  // Makes loops look at what they wait for when the last fiber has ended after request_end().
  void note_end() noexcept;

  // A worker found no stack for a fiber: it is called when one comes free. True where that was not
  // known; the worker then tries again, for one may have come free just before.
  bool note_lack() noexcept {
    // Relaxed: the lock of the pool of stacks orders who finds it empty and who fills it.
    return lacking_.exchange(1, std::memory_order_relaxed) == 0;
  }
  bool lacking() const noexcept {
    // Relaxed: see note_lack().
    return lacking_.load(std::memory_order_relaxed) != 0;
  }
  void end_lack() noexcept;

  unhandled_reporter& unhandled() noexcept { return *unhandled_; }

  // What the user holds; it may move.
  runtime* face = nullptr;

  static runtime_core* of(const fiber& f) noexcept {
    // Relaxed: written once, before the fiber was shared.
    return f.runtime.load(std::memory_order_relaxed);
  }

 private:
  void wake_one() noexcept;
  bool nobody_ready() const noexcept;
  void sleep_until_called(worker_core& here, bool last);
  bool fell_asleep_last(const worker_core& here) noexcept;
  bool end_deadlock();
  static bool advance_everyones_clock();
  void end_wait(worker_core& here, fiber& f, wait_outcome outcome) noexcept;
  void send(worker_core& home, fiber& f) noexcept;
  deadline earliest() noexcept;
  std::uint64_t sum(std::atomic<std::uint64_t> worker_core::*counter) const noexcept;
  void thread_main(worker_core& here) noexcept;

  // Rounds of run_embedded(), each of poll_interval switches at most.
  static constexpr int most_rounds = 256;

  runtime_options options_;
  std::vector<std::unique_ptr<worker_core>> workers_;
  std::vector<std::thread> threads_;
  const std::unique_ptr<unhandled_reporter, unhandled_reporter::releaser> unhandled_;
  std::unique_ptr<watchdog> watchdog_;  // null where none was asked for
  std::uint32_t process_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ending_{false};
  // Words, as all that is exchanged: some processors have no read-modify-write of a byte.
  std::atomic<std::uint32_t> stop_asked_{0};
  std::atomic<std::uint32_t> lacking_{0};      // some worker has fibers without a stack
  std::atomic<std::uint32_t> asleep_{0};       // workers in park(), written under mutex_
  std::atomic<std::uint32_t> next_worker_{0};  // for fibers from outside
  std::atomic<std::uint64_t> entered_{0};      // fibers from outside
  std::atomic<std::uint32_t> ends_noted_{0};   // calls of note_end()
  std::atomic<std::uint32_t> visitors_{0};     // threads in send()
  std::atomic<std::uint32_t> outside_calls_{0};
  std::mutex telling_;  // one worker at a time tells the fibers of the end
  std::mutex mutex_;
  std::vector<worker_core*> sleepers_;  // under mutex_
  bool watched_ = false;                // under mutex_: a sleeper looks up now and then
  std::string deadlock_listing_;        // under mutex_
  std::atomic<std::uint32_t> deadlocks_{0};
  std::atomic<std::uint32_t> ended_{0};  // a futex: no fiber lives, after request_end()
};

}  // namespace v1
}  // namespace coir
