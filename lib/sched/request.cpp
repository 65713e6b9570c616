// request.cpp - how a fiber is asked to end what it is doing, from any thread.
// SPDX-License-Identifier: BSL-1.0
#include "sched/request.hpp"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "fiber/fiber_pool.hpp"
#include "sched/census.hpp"
#include "sched/fiber_end.hpp"
#include "sched/runtime_core.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {
namespace {

// Two that ask at once: the last message stays.
void leave_message(fiber& f, std::string_view message) {
  auto* copy = static_cast<char*>(std::malloc(message.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, message.data(), message.size());
  copy[message.size()] = '\0';
  {
    std::lock_guard guard(f.lock);
    std::swap(f.cancel_message, copy);
  }
  std::free(copy);
}

}  // namespace

void start_tour(worker_core& first, fiber& f) noexcept {
  // Acquire and release: pairs with go_on_tour(). On tour already: it makes all the stops again.
  if (f.on_errand.exchange(stops_of_tour(first), std::memory_order_acq_rel) != 0) return;
  // Relaxed: the caller has one.
  f.references.fetch_add(1, std::memory_order_relaxed);
  first.errands.put(f);
  first.sleep.notify();
}

void go_on_tour(worker_core& here, fiber& f) noexcept {
  // Counted before the look. Acquire and release: pairs with start_tour(): what was asked before
  // that is looked at here; for what is asked after it all stops are still to come, this one last.
  // Were it counted after the look, one that is asked anew in between would not be found here:
  //
  //     here                          another who asks
  //     has it anything to be told?
  //     no, it knows
  //                                   requests |= bit, and on tour already: all the stops again
  //     one stop less, this one
  std::uint32_t left = f.on_errand.fetch_sub(1, std::memory_order_acq_rel) - 1;
  bool decided = here.decide_wait_of(f, wait_outcome::cancelled);
  // Acquire: none any more is what the fiber made of the request that this errand is for.
  bool over = decided || finished(f) || f.requests.load(std::memory_order_acquire) == 0;
  // Acquire and release: as above; it fails where somebody has asked anew.
  bool ends = left == 0 ||
              (over && f.on_errand.compare_exchange_strong(left, 0, std::memory_order_acq_rel));
  if (!ends) {
    worker_core& next = stop_after(here);
    next.errands.put(f);
    next.sleep.notify();
  }
  if (decided) here.runtime.make_ready(f);
  // Not at once: what it left may run the user's destructors.
  if (ends && drop_reference(f)) here.dead.push_back(f);
}

void interrupt(fiber& f) noexcept {
  if (finished(f)) return;
  worker* here = calling_thread().worker;
  if (here == nullptr || runtime_core::of(f) != &worker_core::of(*here).runtime) {
    // A runtime waits for its fibers before it goes, and cannot go while they are looked at here.
    return visit_runtimes([&](runtime_core& one) {
      if (&one == runtime_core::of(f) && !finished(f))
        // Relaxed: where the tour begins does not matter.
        start_tour(worker_core::of(*f.home.load(std::memory_order_relaxed)), f);
    });
  }
  worker_core& core = worker_core::of(*here);
  // The others come from the loop, so that what they decide about is suspended. So is every fiber
  // that waits on the worker of this very thread.
  if (here->current == &f) return;
  if (core.decide_wait_of(f, wait_outcome::cancelled)) return core.runtime.make_ready(f);
  // Relaxed: as above.
  if (!core.alone) start_tour(worker_core::of(*f.home.load(std::memory_order_relaxed)), f);
}

bool request_cancel(fiber& f, std::string_view message) {
  if (finished(f)) return false;
  if (!message.empty()) leave_message(f, message);
  // Relaxed: a count.
  f.times_asked.fetch_add(1, std::memory_order_relaxed);
  // Release: what the canceller did is seen by who is told.
  f.requests.fetch_or(fiber_request::cancel, std::memory_order_release);
  interrupt(f);
  return true;
}

}  // namespace v1
}  // namespace coir
