// wait.cpp - what the door to wait does out of line.
// SPDX-License-Identifier: BSL-1.0
#include <coir/wait.hpp>

#include <atomic>
#include <mutex>

#include "arch/futex.hpp"
#include "base/assert.hpp"
#include "sched/census.hpp"
#include "sched/runtime_core.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {

waiter* wait_list::pop_any() noexcept {
  while (waiter* w = first) {
    remove(*w);
    if (w->decide_success()) return w;
  }
  return nullptr;
}

bool waiter::decide_success() noexcept {
  return waits_here(calling_thread_worker()) ? decide_success_here() : decide_success_elsewhere();
}

void waiter::resume_to_queue() noexcept {
  runtime_core::of(*who)->make_ready(*who);
}

void waiter::resume_elsewhere() noexcept {
  if (who != nullptr) {
    // It may be on its way to sleep, on another processor.
    if (gate != nullptr) gate->shut.pass();
    order_before(who);  // as in resume()
    // Relaxed: nobody moves a fiber whose wait this thread has decided.
    worker* home = who->home.load(std::memory_order_relaxed);
    worker* here = calling_thread().worker;
    if (here == nullptr || here != home || !here->take_back(*who))
      runtime_core::of(*who)->make_ready(*who);
    return;
  }
  parking_spot* spot = sleeper;
  atomic_cell<std::uint32_t>& flag = *signal;
  // Release: pairs with the acquire in wait_as_thread() and of a loop that looks at its flag. The
  // waiter may be gone from here on; the flag's address is only an address to the kernel.
  std::uint32_t before = flag.exchange(thread_decision::go_on, std::memory_order_release);
  if (before == thread_decision::counted) discount_sleeper();
  if (spot != nullptr) {
    spot->notify();
  } else {
    futex_wake(flag);
  }
}

void waiter::set_timer(worker& here) noexcept {
  worker_core& owner = worker_core::of(here);
  std::lock_guard lock(owner.timer_lock);
  try {
    owner.timers.insert(*this);
    // Relaxed: written under the lock.
    owner.timers_set.store(owner.timers.size(), std::memory_order_relaxed);
    // Relaxed: read under the lock, or by this fiber.
    timer_of.store(&here, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    abort_with("out of memory for a timer");
  }
}

void waiter::clear_timer() noexcept {
  // Acquire: pairs with the release in worker_core::fire_timers().
  worker* owner = timer_of.load(std::memory_order_acquire);
  if (owner == nullptr) return;
  worker_core& core = worker_core::of(*owner);
  std::lock_guard lock(core.timer_lock);
  // Relaxed, here and below: it changes under the lock only.
  if (timer_of.load(std::memory_order_relaxed) == nullptr) return;
  core.take_timer(*this);
  // A timeout that is moved takes its timer back more than once.
  timer_of.store(nullptr, std::memory_order_relaxed);
}

void leave_list(waiter& w, spinlock& lock) noexcept {
  std::lock_guard guard(lock);
  if (w.list != nullptr) w.list->remove(w);
}

bool waiter::decide_success_elsewhere() noexcept {
  if (!decide(wait_outcome::success)) return false;
  if (gate != nullptr) gate->winner = this;
  return true;
}

wait_outcome sleep_until_decided(waiter& w) noexcept {
  atomic_cell<std::uint32_t>& flag = *w.signal;
  if (w.until.is_never()) {
    count_sleeper();
    std::uint32_t expected = thread_decision::pending;
    // Relaxed: who sets the flag next sees it, and takes this thread out of the census.
    if (!flag.compare_exchange_strong(expected, thread_decision::counted,
                                      std::memory_order_relaxed))
      discount_sleeper();
  }
  bool in_time = true;
  // Acquire: pairs with the release in waiter::resume().
  for (std::uint32_t now; (now = flag.load(std::memory_order_acquire)) != thread_decision::go_on;) {
    if (in_time) {
      in_time = futex_wait(flag, now, w.until);
    } else if (w.decide(wait_outcome::timed_out)) {
      break;
    } else {
      // Somebody decided before: he is about to set the flag.
      futex_wait(flag, now, deadline::never());
    }
  }
  return w.outcome();
}

wait_outcome wait_as_thread(waiter& w, spinlock* lock) noexcept {
  thread_decision own;
  own.begin(w);
  if (lock != nullptr) lock->unlock();
  wait_outcome outcome = sleep_until_decided(w);
  // Before `own` goes: a waker that came too late has it in hand until it unlocks.
  if (outcome != wait_outcome::success && lock != nullptr) leave_list(w, *lock);
  return outcome;
}

}  // namespace v1
}  // namespace coir
