// wait_test.cpp - every interleaving at the door to wait: success, deadline, cancellation.
// SPDX-License-Identifier: BSL-1.0
#include "model/model.hpp"

#include <cstring>
#include <new>

#include "arch/biased_lock.cpp"
#include "arch/spinlock.cpp"
#include "model/no_requests.hpp"
#include "model/scheduler_parts.hpp"
#include "sched/parking.cpp"
#include "sched/run_queue.cpp"
#include "sched/timer_heap.cpp"
#include "sched/wait.cpp"
#include "sched/worker_core.cpp"

namespace {

using coir::wait_outcome;
using coir_model::execution;
using coir_model::explore;
using coir_model::holds;
using coir_model::plain;
using coir_model::require;

// A primitive, a fiber that waits on it, and the workers it goes to sleep and wakes up on.
struct state {
  coir::spinlock lock;
  coir::wait_list list;
  parts::runtime_memory memory;
  coir::worker_core here{memory.get(), 0};
  coir::worker_core there{memory.get(), 1};
  coir::fiber f;
  coir_model::atomic<int> resumed;  // times
  plain<int> handed{"what is handed over"};
  alignas(coir::waiter) std::byte place[sizeof(coir::waiter)];  // on the stack of the fiber
  wait_outcome ended[2] = {};                                   // by the fiber
  bool cancelled = false;                                       // by the loop of `here`

  state() {
    parts::sleepers = 0;
    parts::made_ready = [this](coir::fiber& one) {
      require(&one == &f, "it is the fiber that is made ready");
      // As the run queue does, by its lock.
      resumed.fetch_add(1, std::memory_order_acq_rel);
    };
    f.runtime.store(&memory.get(), std::memory_order_relaxed);
    f.home.store(&here, std::memory_order_relaxed);
    f.wait_word.store(1, std::memory_order_relaxed);
    f.wait_word.fetch_add(0, std::memory_order_relaxed);
    f.requests.store(coir::fiber_request::cancel, std::memory_order_relaxed);
  }

  coir::waiter& waiter() { return *reinterpret_cast<coir::waiter*>(place); }

  // What wait() does on a worker up to the switch, and the switch: who runs next unlocks.
  void suspend(coir::worker_core& on, coir::deadline until) {
    parts::run_on(on);
    on.current = &f;
    lock.lock();
    coir::waiter& w = *::new (place) coir::waiter("a model");
    w.until = until;
    w.slot = &handed;
    list.push_back(w);
    w.begin(on);
    on.current = nullptr;
    lock.unlock();
  }

  // What it does after the switch back.
  wait_outcome go_on(coir::worker_core& on) {
    parts::run_on(on);
    // Relaxed: as a thief or a waker does.
    f.home.store(&on, std::memory_order_relaxed);
    on.current = &f;
    coir::waiter& w = waiter();
    w.end();
    wait_outcome outcome = w.outcome();
    if (outcome == wait_outcome::success) {
      require(handed.get() == 1, "what was waited for has been handed over");
    } else {
      coir::leave_list(w, lock);
    }
    w.~waiter();
    std::memset(place, 0x5a, sizeof place);
    return outcome;
  }

  // Wakes the first waiter, if there is one, and hands something over.
  bool wake() {
    lock.lock();
    coir::waiter* w = list.pop();
    if (w != nullptr) static_cast<plain<int>*>(w->slot)->set(1);
    lock.unlock();
    if (w != nullptr) w->resume();
    return w != nullptr;
  }

  // What the loop of a worker does for who asks its fibers to end.
  bool cancel(coir::worker_core& on) {
    if (!on.decide_wait_of(f, wait_outcome::cancelled)) return false;
    memory.get().make_ready(f);
    return true;
  }

  void untouched() {
    for (std::byte b : place)
      require(b == std::byte{0x5a}, "nobody writes to a waiter that is gone");
    require(list.empty(), "nothing is left in the list");
    require(here.timers.empty() && there.timers.empty(), "no timer is left");
    require(here.timers_set.load(std::memory_order_relaxed) == 0, "nor counted");
  }
};

constexpr coir::deadline due{1};

TEST(WaitModel, ADeadlineAndAWakerDecideOnce) {
  holds(explore({"a deadline and a waker"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->suspend(s->here, due);
      s->here.poll();
    });
    e.thread([=] {
      s->resumed.await(1);
      s->ended[0] = s->go_on(s->there);
    });
    e.thread([=] {
      if (s->wake()) s->handed.peek();
    });
    e.finally([=] {
      require(s->resumed.load(std::memory_order_relaxed) == 1, "it is resumed once");
      bool success = s->handed.peek() == 1;
      require(s->ended[0] == (success ? wait_outcome::success : wait_outcome::timed_out),
              "it learns what became of its wait");
      s->untouched();
    });
  }));
}

TEST(WaitModel, ACancellationAndADeadlineAndAWakerDecideOnce) {
  holds(explore({"a cancellation, a deadline and a waker"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->suspend(s->here, due);
      static_cast<void>(s->cancel(s->here));
      s->here.poll();
    });
    e.thread([=] {
      s->resumed.await(1);
      s->ended[0] = s->go_on(s->there);
    });
    e.thread([=] { static_cast<void>(s->wake()); });
    e.finally([=] {
      require(s->resumed.load(std::memory_order_relaxed) == 1, "it is resumed once");
      require((s->ended[0] == wait_outcome::success) == (s->handed.peek() == 1),
              "it learns what became of its wait");
      require(s->ended[0] != wait_outcome::timed_out, "the cancellation came first");
      s->untouched();
    });
  }));
}

TEST(WaitModel, AWakerOfTheSameWorkerIsAsGoodAsAny) {
  holds(explore({"a waker on the same worker and one elsewhere"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->suspend(s->here, due);
      static_cast<void>(s->wake());
      s->here.poll();
    });
    e.thread([=] {
      s->resumed.await(1);
      s->ended[0] = s->go_on(s->there);
    });
    e.thread([=] { static_cast<void>(s->wake()); });
    e.finally([=] {
      require(s->resumed.load(std::memory_order_relaxed) == 1, "it is resumed once");
      require(s->ended[0] == wait_outcome::success, "the wakers come before the deadline");
      s->untouched();
    });
  }));
}

TEST(WaitModel, OneWhoCancelsTooLateFindsAnotherTicket) {
  holds(explore({"a late cancellation"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->suspend(s->here, coir::deadline::never());
      // The fiber may have been woken, gone elsewhere, and waiting there.
      s->cancelled = s->cancel(s->here);
      require(!s->cancel(s->here), "a wait is cancelled once");
    });
    e.thread([=] { static_cast<void>(s->wake()); });
    e.thread([=] {
      s->resumed.await(1);
      s->ended[0] = s->go_on(s->there);
      s->handed.set(0);
      s->suspend(s->there, coir::deadline::never());
      static_cast<void>(s->cancel(s->there));
      s->resumed.await(2);
      s->ended[1] = s->go_on(s->there);
    });
    e.finally([=] {
      require(s->resumed.load(std::memory_order_relaxed) == 2, "each wait ends once");
      require((s->ended[0] == wait_outcome::cancelled) == s->cancelled,
              "a worker cancels a wait that is its own");
      require(s->ended[1] == wait_outcome::success || s->ended[1] == wait_outcome::cancelled,
              "the second wait ended, too");
      s->untouched();
    });
  }));
}

TEST(WaitModel, AThreadThatWaitsIsWokenOrInTime) {
  holds(explore({"a plain thread with a deadline and a waker"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->lock.lock();
      coir::waiter& w = *::new (s->place) coir::waiter("a model");
      w.until = due;
      w.slot = &s->handed;
      s->list.push_back(w);
      s->ended[0] = coir::wait_as_thread(w, &s->lock);
      if (s->ended[0] == wait_outcome::success)
        require(s->handed.get() == 1, "what was waited for has been handed over");
      w.~waiter();
      std::memset(s->place, 0x5a, sizeof s->place);
    });
    e.thread([=] { static_cast<void>(s->wake()); });
    e.finally([=] {
      require((s->ended[0] == wait_outcome::success) == (s->handed.peek() == 1),
              "it learns what became of its wait");
      s->untouched();
      require(parts::sleepers == 0, "nobody is counted that is awake");
    });
  }));
}

TEST(WaitModel, AThreadThatWaitsForEverIsWoken) {
  holds(explore({"a plain thread and a waker that finds it"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->lock.lock();
      coir::waiter& w = *::new (s->place) coir::waiter("a model");
      w.slot = &s->handed;
      s->list.push_back(w);
      require(coir::wait_as_thread(w, &s->lock) == wait_outcome::success, "only that can be");
      require(s->handed.get() == 1, "what was waited for has been handed over");
      w.~waiter();
      std::memset(s->place, 0x5a, sizeof s->place);
    });
    e.thread([=] {
      while (!s->wake()) coir_model::yield();
      static_cast<void>(s->wake());  // nobody is left
    });
    e.finally([=] {
      s->untouched();
      require(parts::sleepers == 0, "nobody is counted that is awake");
    });
  }));
}

}  // namespace
