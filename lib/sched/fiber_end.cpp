// fiber_end.cpp - how a fiber begins and ends.
// SPDX-License-Identifier: BSL-1.0
#include "sched/fiber_end.hpp"

#include <coir/cancelled.hpp>
#include <coir/end_watcher.hpp>
#include <coir/nest.hpp>
#include <coir/wait.hpp>

#include <mutex>
#include <utility>

#include "base/assert.hpp"
#include "fiber/fiber_locals.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/context_binding.hpp"
#include "sched/runtime_core.hpp"
#include "sched/unhandled.hpp"
#include "sched/waiter_chain.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {

// What the end of a fiber does with its watchers.
class fiber_end {
 public:
  // Those that are told under the lock; gives the others, in a line.
  static end_watcher* tell_under_lock(fiber& ended, waiter_chain& decided) noexcept {
    end_watcher* afterwards = nullptr;
    end_watcher** end = &afterwards;
    for (end_watcher* w = std::exchange(ended.watchers, nullptr); w != nullptr;) {
      end_watcher& one = *w;
      w = w->next_;
      one.listed_ = false;
      if (one.when_ == end_watcher::told::afterwards) {
        one.next_ = nullptr;
        *end = &one;
        end = &one.next_;
      } else if (waiter* woken = one.ended(ended)) {
        decided.add(*woken);
      }
    }
    return afterwards;
  }

  static void tell_afterwards(fiber& ended, end_watcher* first) noexcept {
    while (first != nullptr) {
      end_watcher& one = *std::exchange(first, first->next_);
      if (waiter* woken = one.ended(ended)) woken->resume();
    }
  }
};

// The first one's `previous_` is the last one.
bool end_watcher::watch(fiber& f) noexcept {
  std::lock_guard guard(f.lock);
  if (finished(f)) return false;
  listed_ = true;
  next_ = nullptr;
  if (f.watchers == nullptr) {
    f.watchers = previous_ = this;
  } else {
    previous_ = f.watchers->previous_;
    previous_->next_ = this;
    f.watchers->previous_ = this;
  }
  return true;
}

void end_watcher::leave(fiber& f) noexcept {
  std::lock_guard guard(f.lock);
  if (!listed_) return;
  listed_ = false;
  if (f.watchers == this) {
    f.watchers = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
  } else {
    previous_->next_ = next_;
    (next_ != nullptr ? next_ : f.watchers)->previous_ = previous_;
  }
}

namespace {

// Wakes those that joined it, and tells the watchers, under the fiber's lock, which it gives back.
// Whether some of them were told afterwards.
[[gnu::noinline]] bool wake_all(fiber& ended) noexcept {
  // Decided under the lock: one that lost to its deadline must take the lock before it goes.
  waiter_chain decided;
  decided.add_all(ended.joiners);
  end_watcher* afterwards = fiber_end::tell_under_lock(ended, decided);
  ended.lock.unlock();
  // Callbacks are to come before those that wait: these may end the runtime.
  const bool calls_back = afterwards != nullptr;
  fiber_end::tell_afterwards(ended, afterwards);
  while (waiter* w = decided.take()) w->resume();
  return calls_back;
}

// Decides the wait of a fiber that has started another one, under the lock of that one; false if
// something else has. As long as it stands there as starter it is in that very wait, and needs no
// ticket: it takes the lock, to take itself away, before it goes on.
[[gnu::always_inline]] inline bool decide_starter(fiber& starter, const worker* here) noexcept {
  // Acquire: pairs with the release in send_on(), whose fiber has been decided.
  if (starter.home.load(std::memory_order_acquire) == here) {
    // It waits on this thread's worker, so nobody can come between; as in decide_success_here().
    // Relaxed: likewise.
    std::uint64_t word = starter.wait_word.load(std::memory_order_relaxed);
    if ((word & wait_outcome_bits) != 0) return false;
    // Release: as in waiter::decide().
    starter.wait_word.store(word | static_cast<std::uint64_t>(wait_outcome::success),
                            std::memory_order_release);
    return true;
  }
  // Relaxed: the exchange decides.
  std::uint64_t word = starter.wait_word.load(std::memory_order_relaxed);
  // Acquire and release: as in waiter::decide().
  return (word & wait_outcome_bits) == 0 &&
         starter.wait_word.compare_exchange(
             word, word | static_cast<std::uint64_t>(wait_outcome::success),
             std::memory_order_acq_rel);
}

// Says that the fiber has ended, and wakes who waits for it. If the fiber was started by one that
// joined it here, that one runs next and is returned instead.
[[gnu::always_inline]] inline fiber* announce_end(fiber& self, const worker* here) noexcept {
  self.lock.lock();
  // Release: pairs with the acquire of who finds it finished; the result was written before.
  self.state.store(fiber_state::finished, std::memory_order_release);
  fiber* starter = std::exchange(self.starter, nullptr);
  if (starter != nullptr && !decide_starter(*starter, here)) starter = nullptr;
  bool calls_back = false;
  if (!self.joiners.empty() || self.watchers != nullptr) {
    calls_back = wake_all(self);
  } else {
    self.lock.unlock();
  }
  // Relaxed: it is decided, so nobody but this thread moves it.
  if (starter == nullptr || (!calls_back && starter->home.load(std::memory_order_relaxed) == here))
    return starter;
  order_before(starter);  // pairs with end_wait()
  runtime_core::of(*starter)->make_ready(*starter);
  return nullptr;
}

[[gnu::always_inline]] inline void leave_nest(fiber& self) noexcept {
  // Relaxed: written before the fiber began, or by itself; who compares it finds a fiber that has
  // ended.
  if (nest* around = self.inside.load(std::memory_order_relaxed)) [[unlikely]] {
    self.inside.store(nullptr, std::memory_order_relaxed);  // relaxed: likewise
    around->leave();
  }
}

// Keeps the stack of a fiber that has ended for the next one of its worker. False where it is not
// wanted: AddressSanitizer is to be told of the frames that are left, which the pool does.
[[gnu::always_inline]] inline bool keep_stack(worker_core& here, fiber& gone) noexcept {
  if (COIR_ASAN || here.spare || here.runtime.lacking()) return false;
  here.spare = std::move(gone.memory);
  here.spare_size = gone.stack_size;
  return true;
}

// Counts the end of a fiber and drops its own reference. Under the guard.
[[gnu::always_inline]] inline void lay_to_rest(worker_core& here, fiber& gone) noexcept {
  worker_core::count(here.ended);
  if (here.runtime.ending()) [[unlikely]]
    here.runtime.note_end();
  if (!drop_reference(gone)) return;
  // Result and exception may run the user's destructors, which is not for here.
  if (gone.operations == nullptr && gone.failure == nullptr) {
    recycle_fiber(gone);
  } else {
    here.dead.push_back(gone);
  }
}

// The same by the fiber itself, about to leave for good, if its stack stays with the worker: nobody
// uses it before that. Otherwise, and where who arrives looks at the header of who has left, by
// bury(). Gives the word for who arrives.
[[gnu::always_inline]] inline void* word_after(worker_core& here, fiber& self) noexcept {
  constexpr bool looked_at = COIR_CONTEXT_BACKEND != 1 || COIR_ASAN || COIR_TSAN;
  if (!looked_at && keep_stack(here, self)) [[likely]] {
    lay_to_rest(here, self);
    return &here;
  }
  here.finished = &self;
  return worker::settling(here);
}

// Who runs after a fiber that has ended: the one it was handed over by, the next ready one, or the
// loop. Enters the guard; the side that arrives leaves it.
context& successor(worker_core& here, fiber* joiner) noexcept {
  here.guard.enter();
  if (--here.budget == 0) {
    here.guard.leave();
    here.poll();
    here.guard.enter();
  }
  fiber* next = joiner;
  if (next == nullptr && !here.loop_wanted()) next = here.pick();
  here.current = next;
  return next != nullptr ? next->ctx : here.loop;
}

}  // namespace

context::departure fiber_entry(context&, context&, void* word) {
  fiber& self = *worker::arrive(word).current;
  self.operations->run(self);
  self.body_over = true;
  if (self.locals != nullptr) [[unlikely]]
    destroy_fiber_locals(self);
  if (self.bindings != nullptr) [[unlikely]]
    drop_bindings(self);
  if (self.last_calls != nullptr) [[unlikely]]
    run_exit_calls(self);
  // Alone with its result: destroyed here, where the user's destructors may do as they like.
  // Acquire: sees what the handles that went did.
  if (self.references.load(std::memory_order_acquire) == 1) drop_outcome(self);
  worker* thread_worker = calling_thread().worker;
  if (thread_worker == nullptr) [[unlikely]]
    abort_with("a fiber of the parent process ends in a child of fork(), which is to call _exit()");
  worker_core& here = worker_core::of(*thread_worker);
  fiber* starter = announce_end(self, &here);
  leave_nest(self);
  context& next = successor(here, starter);
  return {&next, word_after(here, self), worker::order};
}

bool notify_end(fiber& f, waiter& w) noexcept {
  std::lock_guard lock(f.lock);
  if (finished(f)) return false;
  f.joiners.push_back(w);
  return true;
}

void abandon(fiber& fresh) noexcept {
  fresh.operations->abandon(fresh);
  drop_bindings(fresh);
  if (fresh.failure == nullptr) {
    fresh.failure = std::make_exception_ptr(cancelled());
    fresh.ended_cancelled = true;
  } else {
    fresh.unhandled = &runtime_core::of(fresh)->unhandled().hold();
  }
  announce_end(fresh, nullptr);
  leave_nest(fresh);
  release_fiber(fresh);
}

void worker::bury() noexcept {
  worker_core& here = worker_core::of(*this);
  fiber& gone = *std::exchange(finished, nullptr);
  gone.ctx.~context();
  if (!keep_stack(here, gone)) {
    gone.memory.reset();
    if (here.runtime.lacking()) here.runtime.end_lack();
  }
  lay_to_rest(here, gone);
}

}  // namespace v1
}  // namespace coir
