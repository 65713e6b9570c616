// worker_core.hpp - the whole of a worker: its queue, inbox, timers and sleep.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/wait.hpp>
#include <coir/worker.hpp>

#include <atomic>
#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "sched/environment.hpp"
#include "sched/errand_list.hpp"
#include "sched/fiber_end.hpp"
#include "sched/fiber_list.hpp"
#include "sched/inbox.hpp"
#include "sched/parking.hpp"
#include "sched/timer_heap.hpp"
#include "stack/pooled_stack.hpp"

namespace coir {
inline namespace v1 {

class runtime_core;
class watched_worker;

class worker_core : public worker {
 public:
  worker_core(runtime_core& owner, unsigned number) : runtime(owner), index(number) {}

  // -- written once
  runtime_core& runtime;
  const unsigned index;
  watched_worker* watched = nullptr;  // where the runtime has a watchdog

  // -- any thread
  inbox arrivals;       // fibers made ready by others
  errand_list errands;  // fibers that were asked to end
  parking_spot sleep;
  spinlock timer_lock;  // guards `timers` and the timer fields of the waiters in it
  timer_heap timers;
  atomic_cell<std::size_t> timers_set{0};  // how many those are, for a look without the lock
  std::atomic<std::uint32_t> queued{0};    // a hint for thieves: entries in the queue
  // When a thief first saw something wait here since the worker last looked up; 0: none has.
  std::atomic<std::int64_t> unheeded_since{0};
  std::atomic<std::uint64_t> polls{0};  // how often it has looked up, for a watchdog

  // -- owner only
  std::uint32_t vain_attempts = 0;  // to lock something

  // -- owner only, read by others for statistics
  std::atomic<std::uint64_t> spawned{0};
  std::atomic<std::uint64_t> started{0};
  std::atomic<std::uint64_t> ended{0};      // of those that started
  std::atomic<std::uint64_t> abandoned{0};  // of those that did not
  std::atomic<std::uint64_t> stolen{0};
  std::atomic<std::uint64_t> parked{0};
  std::atomic<std::uint64_t> switched{0};

  // -- owner only
  fiber_list stackless;             // fresh fibers for which no stack could be had
  fiber_list doomed;                // fresh fibers that will never run
  fiber_list dead;                  // ended, without a handle, payloads not yet destroyed
  bool starving = false;            // the queue has not moved for long
  std::uint32_t front_seen = 0;     // its front at the last poll
  std::uint32_t polls_unmoved = 0;  // since it moved
  std::uint32_t deadlocks_told = 0;
  bool told_of_end = false;    // the fibers here have been cancelled by request_end()
  pooled_stack spare;          // of the fiber that ended last, for the next one
  std::size_t spare_size = 0;  // that fiber's stack_size
  bool looks_round = false;    // it is the watcher of its runtime, and up to look for work only
  std::fenv_t environment;     // the thread's, while a fiber has brought its own
  bool idle = false;           // run_ready() ended because nothing was ready
  worker* outer = nullptr;  // what the thread was before it was this one; null for a plain thread

  static worker_core& of(worker& w) noexcept { return static_cast<worker_core&>(w); }

  // A counter that only its owner writes.
  static void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
    // Relaxed: statistics; a reader sees some recent value.
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  // Whether a fiber that gives way or waits here goes on elsewhere: in builds for tests.
  bool sends_away([[maybe_unused]] const fiber& f) const noexcept {
#if COIR_FORCE_MIGRATION
    return !alone && !f.pinned;
#else
    return false;
#endif
  }

  // Whether a fresh fiber whose home this is waits in the queue, not among the stackless, and has
  // not been asked to end. Under `guard`. A fiber with an environment of its own is told no: it
  // waits by the general path.
  bool may_start(const fiber& fresh) const noexcept {
    // Relaxed: as in pick().
    return !current->preserve_fenv && ready.holds(fresh) &&
           fresh.requests.load(std::memory_order_relaxed) == 0;
  }

  // Appends to the queue. Not under `guard`.
  void push(fiber& ready_fiber) noexcept;
  // Throws std::bad_alloc, and then nothing has happened.
  [[gnu::always_inline]] void push_fresh(fiber& fresh) {
    // Relaxed: the fiber is nobody's until it is in the queue.
    fresh.home.store(this, std::memory_order_relaxed);
    guard.enter();
    if (ready.full()) [[unlikely]]
      grow_queue();
    ready.push_back_fresh(fresh);
    // Relaxed: a hint.
    queued.store(ready.size(), std::memory_order_relaxed);
    guard.leave();
  }

  // Takes in what arrived from outside and what is due. Not under `guard`.
  void poll() noexcept;

  // The next fiber to run, started and out of the queue; null where there is none. Under `guard`.
  fiber* pick() noexcept;

  // Gives a fresh fiber its stack. False where none can be had.
  [[gnu::always_inline]] bool start(fiber& fresh) noexcept {
    if (spare && fresh.stack_size == spare_size) [[likely]] {
      fresh.memory = std::move(spare);
    } else if (!find_stack(fresh)) {
      return false;
    }
    // The other backends let a context begin in the environment that it was made in.
    bool foreign = COIR_CONTEXT_BACKEND != 1 && current != nullptr && current->preserve_fenv;
    std::fenv_t aside;
    if (foreign) leave_environment(aside);
    ::new (&fresh.ctx) context(fresh.memory->top, limit_of(*fresh.memory),
                               fresh.preserve_fenv ? &entry_with_environment : &fiber_entry);
    if (foreign) enter_environment(aside);
    // Relaxed: only this worker starts it; listings read some recent value.
    fresh.state.store(fiber_state::started, std::memory_order_relaxed);
    count(started);
    return true;
  }

  // Lets others have the one that was kept; from the loop.
  void drop_spare() noexcept;

  // Room in the queue for one more. Under `guard`.
  bool has_room() noexcept;

  // Runs fibers until none is ready here (`idle`) or the worker is called; whether any ran. From
  // the loop.
  bool run_ready() noexcept;

  // Whether the loop has something to do that fibers which give way to each other must not keep it
  // from.
  bool loop_wanted() const noexcept {
    return sleep.called() || !doomed.empty() || !dead.empty() || !stackless.empty();
  }

  // Takes work from another worker of the runtime. From the loop.
  bool steal() noexcept;

  // What a thief takes from here: half of the queue, and if a fiber hogs this worker all that has
  // arrived. Under `guard`.
  fiber_list give_up(worker_core& thief, bool hogged) noexcept;

  // Takes a waiter out of `timers`. Under `timer_lock`.
  void take_timer(waiter& w) noexcept;

  // Decides the wait that a fiber of this runtime is in on this worker, and then the caller makes
  // it ready; false if it is in none here, or was asked to end and is not to be told just now. From
  // the loop, or a fiber of this worker.
  bool decide_wait_of(fiber& f, wait_outcome outcome) noexcept;

  // The earliest deadline of this worker.
  deadline next_deadline() noexcept;

 private:
  [[gnu::noinline, gnu::cold]] void grow_queue();  // leaves `guard` where it throws
  bool find_stack(fiber& fresh) noexcept;
  void fire_timers() noexcept;
  void take_arrivals() noexcept;
  void put_back(fiber& f) noexcept;
  void retry_stackless() noexcept;
  void clear_away() noexcept;
  bool steal_from(worker_core& victim) noexcept;
  bool hogged() noexcept;
};

}  // namespace v1
}  // namespace coir
