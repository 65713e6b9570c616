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

// Wakes a joiner that has been decided. One that started the fiber here is to run next and is
// returned instead; one at most.
fiber* wake(const fiber& ended, waiter& joiner, worker_core* here) noexcept {
  // Relaxed: it is decided, so nobody but this thread moves it.
  if (ended.handed_over && here != nullptr && joiner.who != nullptr &&
      joiner.who->home.load(std::memory_order_relaxed) == here)
    return joiner.who;
  joiner.resume();
  return nullptr;
}

// The same for several, and for watchers, under the fiber's lock, which it gives back.
[[gnu::noinline]] fiber* wake_all(fiber& ended, waiter* first, worker_core* here) noexcept {
  // Decided under the lock: one that lost to its deadline must take the lock before it goes.
  waiter_chain decided;
  if (first != nullptr) decided.add(*first);
  decided.add_all(ended.joiners);
  end_watcher* afterwards = fiber_end::tell_under_lock(ended, decided);
  ended.lock.unlock();
  // Callbacks are to come before those that wait: these may end the runtime.
  fiber_end::tell_afterwards(ended, afterwards);
  fiber* next = nullptr;
  while (waiter* w = decided.take()) {
    if (next == nullptr) {
      next = wake(ended, *w, here);
    } else {
      w->resume();
    }
  }
  return next;
}

// Says that the fiber has ended, and wakes who waits for it. If the fiber was started by one that
// joined it here, that one runs next and is returned instead.
[[gnu::always_inline]] inline fiber* announce_end(fiber& self, worker_core* here) noexcept {
  self.lock.lock();
  // Release: pairs with the acquire of who finds it finished; the result was written before.
  self.state.store(fiber_state::finished, std::memory_order_release);
  waiter* joiner = self.joiners.pop();
  if (self.joiners.first != nullptr || self.watchers != nullptr) [[unlikely]]
    return wake_all(self, joiner, here);
  self.lock.unlock();
  return joiner != nullptr ? wake(self, *joiner, here) : nullptr;
}

[[gnu::always_inline]] inline void leave_nest(const fiber& self) noexcept {
  // Relaxed: written before the fiber began, or by itself.
  if (nest* around = self.inside.load(std::memory_order_relaxed)) [[unlikely]]
    around->leave();
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
  // Alone with its result: destroyed here, where the user's destructors may do as they like.
  // Acquire: sees what the handles that went did.
  if (self.references.load(std::memory_order_acquire) == 1) drop_outcome(self);
  if (this_thread().worker == nullptr) [[unlikely]]
    abort_with("a fiber of the parent process ends in a child of fork(), which is to call _exit()");
  worker_core& here = worker_core::of(*this_thread().worker);
  fiber* joiner = announce_end(self, &here);
  leave_nest(self);
  context& next = successor(here, joiner);
  here.finished = &self;
  return {&next, worker::settling(here), worker::order};
}

bool notify_end(fiber& f, waiter& w) noexcept {
  std::lock_guard lock(f.lock);
  if (finished(f)) return false;
  f.joiners.push_back(w);
  return true;
}

void abandon(fiber& fresh) noexcept {
  fresh.operations->abandon(fresh);
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
  // AddressSanitizer is to be told of the frames that are left, which the pool does.
  constexpr bool keeps_stacks = !COIR_ASAN;
  worker_core& here = worker_core::of(*this);
  fiber& gone = *std::exchange(finished, nullptr);
  gone.ctx.~context();
  if (keeps_stacks && !here.spare && !here.runtime.lacking()) [[likely]] {
    here.spare.emplace(std::move(*gone.memory));
    here.spare_size = gone.stack_size;
    gone.memory.reset();
  } else {
    gone.memory.reset();
    if (here.runtime.lacking()) here.runtime.end_lack();
  }
  worker_core::count(here.ended);
  if (here.runtime.ending()) [[unlikely]]
    here.runtime.note_end();
  // Result and exception may run the user's destructors, which is not for here, under the guard.
  if (!drop_reference(gone)) return;
  if (gone.operations == nullptr && gone.failure == nullptr) {
    recycle_fiber(gone);
  } else {
    here.dead.push_back(gone);
  }
}

}  // namespace v1
}  // namespace coir
