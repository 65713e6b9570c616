// worker.hpp - an OS thread that runs fibers, as the inline paths of the scheduler see it.
// SPDX-License-Identifier: BSL-1.0
// Budget: a yield to another ready fiber is one switch, some thirty instructions around it.
#pragma once

#include <coir/arch.hpp>
#include <coir/biased_lock.hpp>
#include <coir/config.hpp>
#include <coir/fiber.hpp>
#include <coir/run_queue.hpp>
#include <coir/spinlock.hpp>
#include <coir/thread_state.hpp>

#include <atomic>
#include <cstdint>

namespace coir {
inline namespace v1 {

// What a switch between two fibers passes along: the worker, and whether the side that left wants
// something done now that it is suspended (worker::arrive).
//
// A fiber that gives way goes straight to the next ready one; the worker's own loop runs when there
// is none, and once in `poll_interval` switches to look at timers and at what came from outside.
class worker {
 public:
  static constexpr std::uint32_t poll_interval = 64;

  // For ThreadSanitizer: what a fiber does on a worker comes before what the next one does there,
  // as for the worker's own data it must. Fibers on different workers are ordered by what they do.
  static constexpr switch_order order = switch_order::ordered;

  // -- owner only, under `guard` where a thief may look
  biased_lock guard;  // entered before the queue is touched, left after the switch
  std::uint32_t budget = poll_interval;  // switches until the loop is visited
  fiber* current = nullptr;              // null while the loop runs
  run_queue ready;
  exception_globals* exceptions = nullptr;  // the thread's, see thread_state
  int* error = nullptr;                     // the thread's errno
  std::int64_t tick = 0;                    // the time of the last poll, roughly
  spinlock* carried = nullptr;              // unlocked by who arrives
  fiber* finished = nullptr;                // laid to rest by settle()
#if COIR_FORCE_MIGRATION
  fiber* moving = nullptr;  // sent to the next worker by settle()
#endif
  context loop;                         // the worker's own computation, while a fiber runs
  std::atomic<std::uint64_t> woken{0};  // fibers; read by others for statistics

  // -- written once
  bool alone = false;  // the only worker of its runtime

  // Lets `next` run; the running fiber has been put where it will be found again, behind `carried`
  // if it is to be unlocked. Under `guard`; returns when it runs again, maybe on another worker,
  // and has left that one's guard. Gives the fiber that runs again, out of a register: what was
  // kept on the stack comes later.
  [[gnu::always_inline]] static fiber& change(worker& here, fiber& self, context& next,
                                              bool unlock) noexcept {
    return change_by(here, self, next, unlock ? marked(here, unlock_bit) : &here);
  }
  [[gnu::always_inline]] static fiber& change_by(worker& here, fiber& self, context& next,
                                                 void* word) noexcept {
    int saved = *here.error;
    context::arrival back = context::switch_to(self.ctx, next, word, order);
    worker& there = arrive(back.word);
    *there.error = saved;
    return *reinterpret_cast<fiber*>(back.self);  // its context is what it begins with
  }

  // The word that asks who arrives for settle().
  static void* settling(worker& here) noexcept {
    return marked(here, settle_bit);
  }

  // What every computation does first when a switch brought it here.
  [[gnu::always_inline]] static worker& arrive(void* word) noexcept {
    auto bits = reinterpret_cast<std::uintptr_t>(word);
    worker& here = *reinterpret_cast<worker*>(bits & ~(settle_bit | unlock_bit));
    if ((bits & unlock_bit) != 0) {
      here.carried->unlock();
    } else if ((bits & settle_bit) != 0) {
      here.settle();
    }
    here.guard.leave();
    return here;
  }

  // The running fiber gives way to the next ready one, if there is one.
  [[gnu::always_inline]] void yield_current() noexcept {
    guard.enter();
    // A poll comes back here: the switch below is predicted, another one would not be.
    if (ready.empty() || (--budget == 0 && !poll_amid_yield()) || COIR_FORCE_MIGRATION) [[unlikely]]
      return yield_slowly();
    run_queue::entry first = ready.front();
    if (first == 0 || (first & run_queue::fresh_bit) != 0 || amid_exceptions()) [[unlikely]]
      return yield_slowly();
    fiber& self = *current;
    fiber& next = run_queue::fiber_of(first);
    ready.drop_front();
    ready.prefetch();
    ready.push_back(self);
    current = &next;
    change(*this, self, next.ctx, false);
  }

  // The running fiber waits. Whoever is to wake it finds it behind `lock`, which is held and is
  // unlocked only once the fiber is suspended; null where there is none.
  [[gnu::always_inline]] fiber& suspend_current(spinlock* lock) noexcept {
    guard.enter();
    fiber& self = *current;
    if (ready.empty() || --budget == 0) [[unlikely]]
      return suspend_slowly(lock);
    run_queue::entry first = ready.front();
    if (first == 0 || (first & run_queue::fresh_bit) != 0 || amid_exceptions()) [[unlikely]]
      return suspend_slowly(lock);
    fiber& next = run_queue::fiber_of(first);
    ready.drop_front();
    ready.prefetch();
    current = &next;
    carried = lock;
    return change(*this, self, next.ctx, lock != nullptr);
  }

  // A fiber that waited here is ready again; on this worker's thread. Where there is nobody else to
  // be told of it, and there is room; false, and nothing done, where not. Without `guard`: nobody
  // steals from a worker that is alone.
  [[gnu::always_inline]] bool take_back(fiber& f) noexcept {
    if (!alone || ready.full()) [[unlikely]]
      return false;
    ready.push_back(f);
    // Relaxed: only the owner writes it.
    woken.store(woken.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return true;
  }

 private:
  // In the word that crosses the switch, beside the worker's address.
  static constexpr std::uintptr_t settle_bit = 1;
  static constexpr std::uintptr_t unlock_bit = 2;
  static void* marked(worker& here, std::uintptr_t bit) noexcept {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&here) | bit);
  }

  [[gnu::always_inline]] bool amid_exceptions() const noexcept {
    return (reinterpret_cast<std::uintptr_t>(exceptions->caught) | exceptions->uncaught) != 0;
  }

  void settle() noexcept {
    if (finished != nullptr) bury();
#if COIR_FORCE_MIGRATION
    if (moving != nullptr) send_away();
#endif
  }

  // The general paths, under `guard`: nothing is ready, a fresh fiber comes next, the loop wants a
  // visit, or the running fiber handles an exception.
  [[gnu::noinline]] void yield_slowly() noexcept;
  // Looks at timers and arrivals; whether a yield may go on without the loop.
  [[gnu::noinline]] bool poll_amid_yield() noexcept;
  [[gnu::noinline]] fiber& suspend_slowly(spinlock* lock) noexcept;
  [[gnu::noinline]] void bury() noexcept;
#if COIR_FORCE_MIGRATION
  void send_away() noexcept;
#endif
};

}  // namespace v1
}  // namespace coir
