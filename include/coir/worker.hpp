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

#include <cstdint>

namespace coir {
inline namespace v1 {

// What a switch between two fibers passes along: the worker, and whether the side that left wants
// something done now that it is suspended (worker::settle).
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
  spinlock* carried = nullptr;              // unlocked by settle()
  fiber* finished = nullptr;                // laid to rest by settle()
#if COIR_FORCE_MIGRATION
  fiber* moving = nullptr;  // sent to the next worker by settle()
#endif
  context loop;  // the worker's own computation, while a fiber runs

  // Lets `next` run; the running fiber has been put where it will be found again. Under `guard`;
  // returns when it runs again, maybe on another worker, and has left that one's guard.
  [[gnu::always_inline]] static void change(worker& here, fiber& self, context& next,
                                            bool settle) noexcept {
    int saved = *here.error;
    void* word = settle ? settling(here) : &here;
    worker& there = arrive(context::switch_to(self.ctx, next, word, order).word);
    *there.error = saved;
  }

  // The word that asks who arrives for settle().
  static void* settling(worker& here) noexcept {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&here) | 1);
  }

  // What every computation does first when a switch brought it here.
  [[gnu::always_inline]] static worker& arrive(void* word) noexcept {
    auto bits = reinterpret_cast<std::uintptr_t>(word);
    worker& here = *reinterpret_cast<worker*>(bits & ~std::uintptr_t{1});
    if ((bits & 1) != 0) here.settle();
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
  [[gnu::always_inline]] void suspend_current(spinlock* lock) noexcept {
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
    change(*this, self, next.ctx, true);
  }

 private:
  [[gnu::always_inline]] bool amid_exceptions() const noexcept {
    return (reinterpret_cast<std::uintptr_t>(exceptions->caught) | exceptions->uncaught) != 0;
  }

  [[gnu::always_inline]] void settle() noexcept {
    if (finished != nullptr) [[unlikely]]
      bury();
    if (carried != nullptr) {
      carried->unlock();
      carried = nullptr;
    }
#if COIR_FORCE_MIGRATION
    if (moving != nullptr) send_away();
#endif
  }

  // The general paths, under `guard`: nothing is ready, a fresh fiber comes next, the loop wants a
  // visit, or the running fiber handles an exception.
  [[gnu::noinline]] void yield_slowly() noexcept;
  // Looks at timers and arrivals; whether a yield may go on without the loop.
  [[gnu::noinline]] bool poll_amid_yield() noexcept;
  [[gnu::noinline]] void suspend_slowly(spinlock* lock) noexcept;
  [[gnu::noinline]] void bury() noexcept;
#if COIR_FORCE_MIGRATION
  void send_away() noexcept;
#endif
};

}  // namespace v1
}  // namespace coir
