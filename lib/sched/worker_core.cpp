// worker_core.cpp - what a worker does between two fibers.
// SPDX-License-Identifier: BSL-1.0
#include "sched/worker_core.hpp"

#include <coir/cancel_scope.hpp>

#include <cstddef>
#include <system_error>

#include "fiber/fiber_pool.hpp"
#include "sched/clock.hpp"
#include "sched/fiber_end.hpp"
#include "sched/request.hpp"
#include "sched/runtime_core.hpp"

namespace coir {
inline namespace v1 {

namespace {

// Polls without the queue moving, of poll_interval switches each, until it is served first: about a
// millisecond of short tasks.
constexpr std::uint32_t most_unmoved = 256;

// Nanoseconds for which something may wait on a worker that does not look up, until that is taken
// for hogged. Looks of a few thieves in a row do not make a hog of a fiber, two of the watcher do.
constexpr std::int64_t patience = 1'000'000;

// worker::change() takes the address of a context for that of its fiber. The compilers that know
// this file lay out such a class as well, though the standard leaves it to them.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(offsetof(fiber, ctx) == 0);
#pragma GCC diagnostic pop

}  // namespace

void worker_core::push(fiber& ready_fiber) noexcept {
  // Relaxed: the fiber is nobody's until it is in the queue.
  ready_fiber.home.store(this, std::memory_order_relaxed);
  guard.enter();
  try {
    ready.reserve();
    ready.push_back(ready_fiber);
  } catch (const std::bad_alloc&) {
    // The inbox needs no memory; it comes round again.
    arrivals.put(ready_fiber);
  }
  // Relaxed: a hint.
  queued.store(ready.size(), std::memory_order_relaxed);
  guard.leave();
}

void worker_core::grow_queue() {
  try {
    ready.reserve();
  } catch (...) {
    guard.leave();
    throw;
  }
}

bool worker_core::has_room() noexcept {
  try {
    ready.reserve();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool worker_core::find_stack(fiber& fresh) noexcept {
  try {
    fresh.memory = take_stack({fresh.stack_size, runtime.options().guard_size});
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

void worker_core::drop_spare() noexcept {
  if (!spare) return;
  spare.reset();
  if (runtime.lacking()) runtime.end_lack();
}

fiber* worker_core::pick() noexcept {
  while (!ready.empty()) {
    run_queue::entry first = ready.front();
    ready.drop_front();
    if (first == 0) continue;
    fiber& next = run_queue::fiber_of(first);
    if ((first & run_queue::fresh_bit) == 0) return &next;
    // Those that start all the same came too late to be asked with the others.
    if (runtime.ending() && next.runs_to_the_end) [[unlikely]]
      static_cast<void>(runtime.tell_of_end(next));
    // Relaxed: a request that comes just now is told to the fiber when it waits.
    bool dropped = runtime.ending() || next.requests.load(std::memory_order_relaxed) != 0;
    if (dropped && !next.runs_to_the_end) {
      doomed.push_back(next);
    } else if (start(next) || (runtime.note_lack() && start(next))) {
      return &next;
    } else {
      stackless.push_back(next);  // it waits, in order, for a stack that comes free
    }
  }
  return nullptr;
}

void worker_core::put_back(fiber& f) noexcept {
  // Relaxed: the fiber came through an inbox, a guard or this worker's own lists.
  if (f.state.load(std::memory_order_relaxed) != fiber_state::fresh) return push(f);
  try {
    push_fresh(f);
  } catch (const std::bad_alloc&) {
    arrivals.put(f);  // needs no memory, and comes round again
  }
}

void worker_core::retry_stackless() noexcept {
  if (stackless.empty()) return;
  fiber_list waiting = stackless.take();
  // With no fiber left whose end could free a stack, the first one is told the truth.
  if (runtime.started() == 0) {
    fiber& hopeless = *waiting.pop_front();
    hopeless.failure = std::make_exception_ptr(std::system_error(
        std::make_error_code(std::errc::not_enough_memory), "coir: no stack for a fiber"));
    doomed.push_back(hopeless);
  }
  while (fiber* f = waiting.pop_front()) put_back(*f);
}

void worker_core::clear_away() noexcept {
  while (fiber* f = doomed.pop_front()) {
    abandon(*f);
    count(abandoned);
    runtime.note_end();
  }
  while (fiber* f = dead.pop_front()) recycle_fiber(*f);
}

void worker_core::poll() noexcept {
  take_arrivals();
  fire_timers();
  count(switched, poll_interval - budget);
  tick = clock_roughly();
  budget = poll_interval;
  // Chains of tasks that start each other by joining take no turn in the queue.
  guard.enter();
  std::uint32_t front = ready.front_position();
  bool empty = ready.empty();
  guard.leave();
  if (front != front_seen || empty) {
    front_seen = front;
    polls_unmoved = 0;
  } else {
    ++polls_unmoved;
  }
  starving = polls_unmoved > most_unmoved;
  // Relaxed: a hint for thieves.
  unheeded_since.store(0, std::memory_order_relaxed);
  count(polls);
}

void worker_core::take_arrivals() noexcept {
  if (arrivals.empty()) return;
  guard.enter();
  fiber* first = arrivals.take();
  guard.leave();
  for (fiber* f = first; f != nullptr;) {
    fiber& one = *f;
    f = f->next;
    put_back(one);
  }
}

void worker_core::fire_timers() noexcept {
  // Relaxed: this worker's fibers alone set timers here, others take them away.
  if (timers_set.load(std::memory_order_relaxed) == 0) return;
  std::int64_t now = clock_now();
  while (true) {
    timer_lock.lock();
    if (timers.empty() || timers.soonest() > now) {
      timer_lock.unlock();
      return;
    }
    waiter& w = timers.first();
    take_timer(w);
    fiber* interrupted = w.who == nullptr ? &cancel_scope::fire(w) : nullptr;
    bool due = interrupted == nullptr && w.decide(wait_outcome::timed_out);
    // Relaxed: the fiber has one, and cannot leave the scope before the timer is given up.
    if (interrupted != nullptr) interrupted->references.fetch_add(1, std::memory_order_relaxed);
    // Release: the last touch if another decided; pairs with the acquire in waiter::end(). One that
    // comes before it waits for the lock (waiter::clear_timer).
    w.timer_of.store(nullptr, std::memory_order_release);
    timer_lock.unlock();
    if (due) w.resume();
    if (interrupted != nullptr) {
      interrupt(*interrupted);
      // Not at once: what it left may run the user's destructors.
      if (drop_reference(*interrupted)) dead.push_back(*interrupted);
    }
  }
}

void worker_core::take_timer(waiter& w) noexcept {
  timers.remove(w);
  // Relaxed: written under the lock.
  timers_set.store(timers.size(), std::memory_order_relaxed);
}

bool worker_core::decide_wait_of(fiber& f, wait_outcome outcome) noexcept {
  // Acquire: pairs with the release in waiter::begin().
  std::uint64_t ticket = f.wait_word.load(std::memory_order_acquire);
  // Relaxed: as long as the ticket holds it is this runtime's fiber, and waits on this worker.
  if ((ticket & wait_outcome_bits) != 0 || f.runtime.load(std::memory_order_relaxed) != &runtime ||
      f.home.load(std::memory_order_relaxed) != this)
    return false;
  // Relaxed: likewise, and the fiber wrote both here, before it was left.
  if (outcome == wait_outcome::cancelled && (f.masks.load(std::memory_order_relaxed) != 0 ||
                                             f.requests.load(std::memory_order_relaxed) == 0))
    return false;
  // Acquire and release: as in waiter::decide().
  return f.wait_word.compare_exchange(ticket, ticket | static_cast<std::uint64_t>(outcome),
                                      std::memory_order_acq_rel);
}

deadline worker_core::next_deadline() noexcept {
  timer_lock.lock();
  deadline first = timers.empty() ? deadline::never() : deadline(timers.soonest());
  timer_lock.unlock();
  return first;
}

bool worker_core::run_ready() noexcept {
  bool any = false;
  idle = false;
  while (true) {
    poll();
    if (runtime.ending() && !told_of_end) runtime.cancel_fibers_of(*this);
    if (runtime.deadlocks() != deadlocks_told) [[unlikely]]
      runtime.end_waits_of(*this);
    while (fiber* f = errands.take()) go_on_tour(*this, *f);
    retry_stackless();
    clear_away();
    // The watcher looked round, and a fiber has come that may be a hog. Relaxed: this worker's own
    // pushes; what a thief takes again costs another watcher a look.
    if (looks_round && queued.load(std::memory_order_relaxed) != 0) [[unlikely]]
      runtime.leave_watch(*this);
    guard.enter();
    fiber* next = pick();
    // Relaxed: a hint.
    queued.store(ready.size(), std::memory_order_relaxed);
    if (next != nullptr) {
      any = true;
      current = next;
      arrive(context::switch_to(loop, next->ctx, this, order).word);
      if (sleep.called()) return any;
      continue;
    }
    guard.leave();
    idle = doomed.empty() && (stackless.empty() || runtime.started() != 0);
    if (idle) return any;
  }
}

bool worker_core::steal() noexcept {
  for (std::size_t step = 1; step < runtime.workers(); ++step)
    if (steal_from(runtime.worker_at((index + step) % runtime.workers()))) return true;
  return false;
}

bool worker_core::steal_from(worker_core& victim) noexcept {
  // Relaxed: a hint; a wrong one costs a look, or misses what the next look finds.
  std::uint32_t waiting = victim.queued.load(std::memory_order_relaxed);
  if (waiting == 0 && victim.arrivals.empty()) return false;
  // A lone fiber, and one that was sent there, is left to a worker that is about to come to it: it
  // may be one of two that talk to each other.
  bool hogged = victim.hogged();
  if ((waiting < 2 && !hogged) || !victim.guard.try_seize()) return false;
  fiber_list loot = victim.give_up(*this, hogged);
  victim.guard.give_back();
  if (loot.empty()) return false;
  while (fiber* f = loot.pop_front()) {
    count(stolen);
    put_back(*f);
  }
  return true;
}

fiber_list worker_core::give_up(worker_core& thief, bool hogged) noexcept {
  fiber_list loot;
  std::uint32_t share = ready.size() < 2 && !hogged ? 0 : (ready.size() + 1) / 2;
  bool fresh = false;
  for (fiber* f; share > 0 && (f = ready.steal(fresh)) != nullptr; --share) {
    // Relaxed: under the guard; whoever looks next has entered it.
    f->home.store(&thief, std::memory_order_relaxed);
    loot.push_back(*f);
  }
  // Relaxed: a hint.
  queued.store(ready.size(), std::memory_order_relaxed);
  if (!hogged) return loot;
  // All of it: nobody else can take it, and the next thief comes to this one's queue.
  for (fiber* f = arrivals.take_unpinned(thief); f != nullptr;)
    loot.push_back(*std::exchange(f, f->next));
  return loot;
}

// Asked by thieves that see something wait here.
bool worker_core::hogged() noexcept {
  std::int64_t now = steady_now();
  // Relaxed, both: a hint. Of two thieves at once either may be the first.
  std::int64_t since = unheeded_since.load(std::memory_order_relaxed);
  if (since == 0) unheeded_since.store(now, std::memory_order_relaxed);
  return since != 0 && now - since >= patience;
}

// -- The general paths of worker.hpp.

bool worker::poll_amid_yield() noexcept {
  worker_core& here = worker_core::of(*this);
  guard.leave();
  here.poll();
  guard.enter();
  if (!ready.empty() && !here.loop_wanted()) return true;  // a thief may have been here
  budget = 0;                                              // the general path is to look itself
  return false;
}

void worker::yield_slowly() noexcept {
  worker_core& here = worker_core::of(*this);
  bool visit = false;
  if (budget == 0 || ready.empty()) {
    guard.leave();
    here.poll();
    guard.enter();
    visit = here.loop_wanted() && here.has_room();
  }
  fiber& self = *current;
  fiber* next = visit ? nullptr : here.pick();
  bool moves = here.sends_away(self);
  if (next == nullptr && !visit && !moves) {
    guard.leave();
    return;
  }
  std::fenv_t environment;
  if (self.preserve_fenv) leave_environment(environment);
  exception_globals own = std::exchange(*exceptions, {});
#if COIR_FORCE_MIGRATION
  if (moves) moving = &self;
#endif
  if (!moves) ready.push_back(self);  // pick() made room, too
  current = next;
  change_by(*this, self, next != nullptr ? next->ctx : loop, moves ? settling(*this) : this);
  *calling_thread().exceptions = own;
  if (self.preserve_fenv) enter_environment(environment);
}

fiber& worker::suspend_slowly(spinlock* lock) noexcept {
  worker_core& here = worker_core::of(*this);
  fiber& self = *current;
  // When it is time to poll the loop does it. Done here, a deadline that has come could be this
  // fiber's own: it would be made ready, and stolen, while it still runs.
  fiber* next = budget != 0 ? here.pick() : nullptr;
  std::fenv_t environment;
  if (self.preserve_fenv) leave_environment(environment);
  exception_globals own = std::exchange(*exceptions, {});
  if (own.uncaught != 0) add_mask(self, 1);
  current = next;
  carried = lock;
  change(*this, self, next != nullptr ? next->ctx : loop, lock != nullptr);
  if (own.uncaught != 0) add_mask(self, -1U);
  *calling_thread().exceptions = own;
  if (self.preserve_fenv) enter_environment(environment);
  return self;
}

#if COIR_FORCE_MIGRATION
void worker::send_away() noexcept {
  worker_core& here = worker_core::of(*this);
  here.runtime.send_on(here, *std::exchange(moving, nullptr));
}
#endif

}  // namespace v1
}  // namespace coir
