// runtime_core.cpp - the workers of one runtime, and the fibers that live on them.
// SPDX-License-Identifier: BSL-1.0
#include "sched/runtime_core.hpp"

#include <algorithm>
#include <system_error>

#include <pthread.h>
#include <cerrno>

#include "arch/futex.hpp"
#include "arch/pause.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/census.hpp"
#include "sched/escape.hpp"
#include "sched/fiber_end.hpp"
#include "sched/process.hpp"
#include "sched/request.hpp"
#include "sched/watchdog.hpp"
#include "stack/prepare.hpp"
#include "stack/shape.hpp"

namespace coir {
inline namespace v1 {
namespace {

unsigned worker_count(const runtime_options& options) {
  unsigned count = options.workers != 0 ? options.workers : std::thread::hardware_concurrency();
  return std::max(count, 1U);
}

void check(const runtime_options& options) {
  if (options.workers > 4096)
    throw std::invalid_argument("runtime_options: more than 4096 workers");
  if (options.warn_if_running_longer_than.count() < 0)
    throw std::invalid_argument("runtime_options: warn_if_running_longer_than is negative");
  if (options.warn_if_blocked_longer_than.count() < 0)
    throw std::invalid_argument("runtime_options: warn_if_blocked_longer_than is negative");
  static_cast<void>(shape_for({options.stack_size, options.guard_size}));
}

}  // namespace

worker_seat::worker_seat(worker_core& here) noexcept : here_(here) {
  attach_thread();
  thread_state& thread = calling_thread();
  here.exceptions = thread.exceptions;
  handled_ = std::exchange(*here.exceptions, {});
  here.error = &errno;
  here.outer = thread.worker;
  thread.worker = &here;
  // calling_thread_worker() reads behind the compiler's back.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (here.watched != nullptr) here.watched->take_seat();
}

worker_seat::~worker_seat() {
  if (here_.watched != nullptr) here_.watched->leave_seat();
  thread_state& thread = calling_thread();
  thread.worker = here_.outer;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // as above
  *thread.exceptions = handled_;
}

runtime_core::runtime_core(const runtime_options& options)
    : options_((check(options), options)),
      unhandled_(new unhandled_reporter(options.on_unhandled)),
      process_(process_generation()) {
  biased_lock::prepare();
  prepare_stacks();
  prepare_fibers();
  prepare_census();
  watch_escapes();
  unsigned count = worker_count(options);
  workers_.reserve(count);
  sleepers_.reserve(count);
  for (unsigned i = 0; i < count; ++i) workers_.push_back(std::make_unique<worker_core>(*this, i));
  workers_.front()->alone = count == 1;
  const watchdog_limits limits{.running = options_.warn_if_running_longer_than.count(),
                               .blocked = options_.warn_if_blocked_longer_than.count()};
  if (limits.any()) watchdog_ = std::make_unique<watchdog>(limits, options_.name, workers_);
  enter_runtime(*this);
}

runtime_core::~runtime_core() {
  leave_runtime(*this);
  // Release: pairs with the acquire in stopping().
  stopping_.store(true, std::memory_order_release);
  for (auto& w : workers_) w->sleep.notify();
  for (std::thread& thread : threads_) thread.join();
  // Of fibers that ended while somebody was asking them to. Not on tour any more: the next fiber in
  // the block could never be asked.
  for (auto& w : workers_) {
    while (fiber* f = w->errands.take()) {
      // Relaxed: who asks now finds it finished, and this runtime gone.
      f->on_errand.store(0, std::memory_order_relaxed);
      release_fiber(*f);
    }
  }
  // Acquire: pairs with the release in send().
  for (int looks = 0; visitors_.load(std::memory_order_acquire) != 0;) wait_a_little(looks++);
}

void runtime_core::start_threads(std::size_t first) {
  threads_.reserve(workers_.size());
  for (std::size_t i = first; i < workers_.size(); ++i)
    threads_.emplace_back([this, i] { thread_main(*workers_[i]); });
}

void runtime_core::thread_main(worker_core& here) noexcept {
  std::string name = (options_.name.empty() ? "coir" : options_.name).substr(0, 10) + "/" +
                     std::to_string(here.index);
  pthread_setname_np(pthread_self(), name.c_str());
  run_worker(here, [this] { return stopping(); });
}

void runtime_core::stop() noexcept {
  // Release: pairs with the acquire in take_stop().
  stop_asked_.store(1, std::memory_order_release);
  worker_at(0).sleep.notify();
}

void runtime_core::enter(fiber& fresh) {
  // Relaxed: any spread will do.
  std::uint32_t turn = next_worker_.fetch_add(1, std::memory_order_relaxed);
  worker_core& home = *workers_[turn % workers_.size()];
  // Relaxed: the inbox publishes it.
  fresh.home.store(&home, std::memory_order_relaxed);
  // Relaxed: statistics.
  entered_.fetch_add(1, std::memory_order_relaxed);
  send(home, fresh);
}

// Once the fiber is in the inbox it may run, end, and with it the runtime, before the worker is
// notified: the destructor waits for who is still in here.
void runtime_core::send(worker_core& home, fiber& f) noexcept {
  // Relaxed: the inbox publishes it, to the fiber and to all that comes after its end.
  visitors_.fetch_add(1, std::memory_order_relaxed);
  home.arrivals.put(f);
  home.sleep.notify();
  // Release: pairs with the acquire in the destructor.
  visitors_.fetch_sub(1, std::memory_order_release);
}

void runtime_core::send_on(const worker_core& from, fiber& f) noexcept {
  worker_core& next = *workers_[(from.index + 1) % workers_.size()];
  // Release: who finds it there finds its wait decided (decide_starter).
  f.home.store(&next, std::memory_order_release);
  send(next, f);
}

std::uint32_t stops_of_tour(const worker_core& any) noexcept {
  return static_cast<std::uint32_t>(any.runtime.workers());
}

worker_core& stop_after(const worker_core& one) noexcept {
  return one.runtime.worker_at((one.index + 1) % one.runtime.workers());
}

void runtime_core::make_ready(fiber& f) noexcept {
  // Relaxed: nobody moves a fiber whose wait this thread has decided.
  worker_core& home = worker_core::of(*f.home.load(std::memory_order_relaxed));
  if (home.sends_away(f)) return send_on(home, f);
  worker* here = calling_thread().worker;
  if (here != nullptr && &worker_core::of(*here).runtime == this && (!f.pinned || here == &home)) {
    worker_core& core = worker_core::of(*here);
    core.push(f);
    worker_core::count(core.woken);
    // Relaxed: a hint.
    if (workers_.size() > 1 && core.queued.load(std::memory_order_relaxed) > 1) hire();
    return;
  }
  send(home, f);
}

std::uint64_t runtime_core::sum(std::atomic<std::uint64_t> worker_core::*counter) const noexcept {
  std::uint64_t total = 0;
  // Relaxed: statistics.
  for (auto& w : workers_) total += ((*w).*counter).load(std::memory_order_relaxed);
  return total;
}

std::uint64_t runtime_core::started() const noexcept {
  // Ends first: one that begins and ends in between is counted as begun only.
  std::uint64_t ended = sum(&worker_core::ended);
  return sum(&worker_core::started) - ended;
}

std::uint64_t runtime_core::live() const noexcept {
  std::uint64_t gone = sum(&worker_core::ended) + sum(&worker_core::abandoned);
  // Relaxed: statistics.
  return sum(&worker_core::spawned) + entered_.load(std::memory_order_relaxed) - gone;
}

void runtime_core::request_end() noexcept {
  // Relaxed: each worker is woken and looks.
  ending_.store(true, std::memory_order_relaxed);
  for (auto& w : workers_) w->sleep.notify();
}

void runtime_core::cancel_fibers_of(worker_core& here) noexcept {
  here.told_of_end = true;
  std::lock_guard lock(telling_);
  visit_fibers([&](fiber& f) {
    // Relaxed: compared only, and again below.
    if (f.runtime.load(std::memory_order_relaxed) != this || !hold_fiber(f)) return;
    // Relaxed, both: with a reference the block cannot become another runtime's fiber, and one that
    // has nothing to be told knows already: this wait came after that.
    if (f.runtime.load(std::memory_order_relaxed) == this &&
        (tell_of_end(f) || f.requests.load(std::memory_order_relaxed) != 0))
      end_wait(here, f, wait_outcome::cancelled);
    // Not at once: what it left may run the user's destructors.
    if (drop_reference(f)) here.dead.push_back(f);
  });
}

bool runtime_core::tell_of_end(fiber& f) noexcept {
  // Relaxed: only that it is done once.
  if (f.told_of_end.exchange(1, std::memory_order_relaxed) != 0) return false;
  // Relaxed: looked at by the fiber on its way into a wait.
  f.requests.fetch_or(fiber_request::cancel, std::memory_order_relaxed);
  return true;
}

// Decides the wait that a fiber of this worker is in, from the worker's loop.
void runtime_core::end_wait(worker_core& here, fiber& f, wait_outcome outcome) noexcept {
  if (here.decide_wait_of(f, outcome)) make_ready(f);
}

void runtime_core::end_lack() noexcept {
  // Relaxed: each worker is called and looks.
  lacking_.store(0, std::memory_order_relaxed);
  for (auto& w : workers_) w->sleep.notify();
}

void runtime_core::note_end() noexcept {
  if (!ending()) return;
  // Acquire and release: two workers that end their last fibers at once each count their own and
  // look at the other's; the second to come here sees what the first has counted.
  ends_noted_.fetch_add(1, std::memory_order_acq_rel);
  if (live() != 0) return;
  // Release: pairs with the acquire in wait_for_end().
  ended_.store(1, std::memory_order_release);
  futex_wake(ended_);
  for (auto& w : workers_) w->sleep.notify();
}

void runtime_core::wait_for_end() noexcept {
  note_end();
  // Acquire: pairs with the release in note_end().
  while (ended_.load(std::memory_order_acquire) == 0) futex_wait(ended_, 0, deadline::never());
}

void runtime_core::run_until_ended(fiber& main) {
  worker_core& own = worker_at(0);
  thread_decision decision;
  waiter w("the end of the main fiber");
  decision.begin(w);
  w.sleeper = &own.sleep;
  if (!notify_end(main, w)) return;
  // Acquire: pairs with the release in waiter::resume().
  run_worker(own, [&] { return decision.signal.load(std::memory_order_acquire) != 0; });
}

bool runtime_core::run_embedded() {
  worker_core& own = worker_at(0);
  own.sleep.cancel();
  bool any = false;
  {
    worker_seat seat(own);
    for (int round = 0; round < most_rounds && !(own.idle && round > 0); ++round) {
      own.sleep.notify();  // so that fibers which are always ready come back to the loop
      any = own.run_ready() || any;
    }
  }
  if (own.idle) own.drop_spare();
  own.sleep.announce([&] { return !own.idle || !own.arrivals.empty(); });
  return any;
}

runtime_statistics runtime_core::statistics() const noexcept {
  return {.switches = sum(&worker_core::switched),
          // Relaxed: statistics.
          .spawns = sum(&worker_core::spawned) + entered_.load(std::memory_order_relaxed),
          .steals = sum(&worker_core::stolen),
          .parks = sum(&worker_core::parked),
          .wakes = sum(&worker_core::woken),
          .live_fibers = live(),
          .stack_bytes = stack_stats().reserved_bytes};
}

bool runtime_core::belongs_here() const noexcept {
  return process_generation() == process_;
}

}  // namespace v1
}  // namespace coir
