// runtime_sleep.cpp - who of a runtime's workers sleeps, and what is done when all do.
// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <mutex>
#include <string>

#include "arch/pause.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/census.hpp"
#include "sched/clock.hpp"
#include "sched/listing.hpp"
#include "sched/runtime_core.hpp"
#include "sched/watchdog.hpp"

namespace coir {
inline namespace v1 {
namespace {

// Nanoseconds for which a worker without work stays awake.
constexpr std::int64_t most_lingering = 4'000;

// How long everyone must have slept before it is asked whether that can ever end, and how rarely it
// is asked again in the end.
constexpr std::int64_t suspicion = 50'000'000;
constexpr std::int64_t rarest_suspicion = 3'200'000'000;

// How often a sleeper looks whether a fiber hogs its worker, while any worker runs.
constexpr std::int64_t watch_every = 10'000'000;

}  // namespace

deadline runtime_core::earliest() noexcept {
  deadline first;
  for (auto& w : workers_) first = std::min(first, w->next_deadline());
  return first;
}

bool runtime_core::linger(worker_core& here) noexcept {
  if (here.alone || here.looks_round || virtual_clock_on()) return false;
  const std::int64_t end = steady_now() + most_lingering;
  do {
    for (int i = 0; i < 16; ++i) {
      if (!here.arrivals.empty() || here.sleep.answer()) return true;
      pause_processor();
    }
  } while (steady_now() < end);
  return here.steal();  // who looked for a sleeper meanwhile did not see this one
}

void runtime_core::park(worker_core& here) noexcept {
  deadline end = here.next_deadline();
  bool watching = false;
  bool everyone;
  here.looks_round = false;
  if (here.watched != nullptr) here.watched->go_off_duty();
  {
    std::lock_guard lock(mutex_);
    here.sleep.prepare();
    sleepers_.push_back(&here);
    // Relaxed: written under the mutex; a hint elsewhere.
    asleep_.store(static_cast<std::uint32_t>(sleepers_.size()), std::memory_order_relaxed);
    everyone = sleepers_.size() == workers_.size();
    if (everyone && virtual_clock_on() && nobody_ready()) {
      deadline first = earliest();
      if (!first.is_never()) {
        advance_virtual_clock(first.nanoseconds());
        for (worker_core* w : sleepers_) w->sleep.notify();
      }
    }
    watching = !everyone && !watched_;
    if (watching) watched_ = true;
  }
  worker_core::count(here.parked);
  // A virtual deadline is nothing to sleep until: the clock moves when everyone sleeps.
  if (virtual_clock_on()) end = deadline::never();
  if (here.arrivals.empty() && !stopping()) {
    if (watching) {
      deadline next_look(steady_now() + watch_every);
      here.looks_round = !here.sleep.park(std::min(end, next_look)) && next_look < end;
    } else if (!end.is_never()) {
      here.sleep.park(end);
    } else {
      sleep_until_called(here, everyone);
    }
  }
  here.sleep.cancel();
  if (here.watched != nullptr) here.watched->come_on_duty();
  std::lock_guard lock(mutex_);
  std::erase(sleepers_, &here);
  // Relaxed: as above.
  asleep_.store(static_cast<std::uint32_t>(sleepers_.size()), std::memory_order_relaxed);
  if (watching) watched_ = false;
  if (!here.looks_round) call_watcher();
}

// Nothing is to come by itself. If nobody has called for a while, is there anybody who could? The
// last of a runtime's workers to fall asleep asks, and goes on asking: a thread that was awake then
// may have gone to sleep since, or ended. Those before it need not: with one of them up, not
// everyone sleeps, and when it lies down it is the last.
void runtime_core::sleep_until_called(worker_core& here, bool last) {
  here.sleep.count_in();
  std::int64_t patience = suspicion;
  while (last && !here.sleep.park(deadline(steady_now() + patience))) {
    if (end_deadlock()) return;
    last = live() != 0 && fell_asleep_last(here);
    patience = std::min(4 * patience, rarest_suspicion);
  }
  if (!last) here.sleep.park(deadline::never());
}

bool runtime_core::fell_asleep_last(const worker_core& here) noexcept {
  std::lock_guard lock(mutex_);
  return sleepers_.back() == &here;
}

// Whether nothing waits in a sleeper's inbox, nor among its errands, nor outside: one that was
// called is no sleeper for the clock, though it has not risen yet.
//
//     this worker                 another
//                                 asleep
//     puts a fiber there, calls
//     parks: everyone sleeps?     still in sleepers_
//
// Under mutex_: what a worker has put before it parked is seen by who parks after it.
bool runtime_core::nobody_ready() const noexcept {
  // Relaxed: counted by fibers, whose workers have parked since, under mutex_.
  if (outside_calls_.load(std::memory_order_relaxed) != 0) return false;
  return std::ranges::all_of(
      sleepers_, [](worker_core* w) { return w->arrivals.empty() && w->errands.empty(); });
}

void runtime_core::leave_watch(worker_core& here) noexcept {
  here.looks_round = false;
  std::lock_guard lock(mutex_);
  call_watcher();
}

// While others run, one of those that sleep looks up now and then: it goes round its loop and finds
// itself the watcher.
void runtime_core::call_watcher() noexcept {
  if (!watched_ && !sleepers_.empty()) sleepers_.back()->sleep.notify();
}

// Every thread sleeps, and none has a deadline: what waits now waits for ever, unless told so.
bool runtime_core::end_deadlock() {
  if (live() == 0 || !everyone_sleeps()) return false;
  if (virtual_clock_on() && advance_everyones_clock()) return true;
  std::string listing = list_waits();
  visit_runtimes([&](runtime_core& one) {
    if (!one.belongs_here()) return;  // the parent's, whose mutex may have been held at the fork
    std::lock_guard lock(one.mutex_);
    one.deadlock_listing_ = listing;
    // Release: pairs with the acquire in deadlocks().
    one.deadlocks_.fetch_add(1, std::memory_order_release);
    for (auto& w : one.workers_) w->sleep.notify();
  });
  return true;
}

// For who waits outside for what a fiber does that waits for the clock, which stands still for him.
bool runtime_core::advance_everyones_clock() {
  deadline first;
  visit_runtimes([&](runtime_core& one) {
    if (one.belongs_here()) first = std::min(first, one.earliest());
  });
  if (first.is_never()) return false;
  advance_virtual_clock(first.nanoseconds());
  visit_runtimes([](runtime_core& one) {
    if (one.belongs_here())
      for (auto& w : one.workers_) w->sleep.notify();
  });
  return true;
}

std::string runtime_core::deadlock_listing() {
  std::lock_guard lock(mutex_);
  return deadlock_listing_;
}

void runtime_core::end_waits_of(worker_core& here) noexcept {
  here.deadlocks_told = deadlocks();
  visit_fibers([&](fiber& f) { end_wait(here, f, wait_outcome::deadlock); });
}

void runtime_core::wake_one() noexcept {
  std::lock_guard lock(mutex_);
  for (worker_core* w : sleepers_)
    if (w->sleep.notify()) return;
}

}  // namespace v1
}  // namespace coir
