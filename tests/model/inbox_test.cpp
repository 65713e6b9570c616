// inbox_test.cpp - every interleaving of who sends a worker fibers, the worker, and a thief.
// SPDX-License-Identifier: BSL-1.0
#include "model/model.hpp"

#include "arch/biased_lock.cpp"
#include "arch/spinlock.cpp"
#include "model/no_requests.hpp"
#include "model/no_starts.hpp"
#include "model/scheduler_parts.hpp"
#include "sched/parking.cpp"
#include "sched/run_queue.cpp"
#include "sched/timer_heap.cpp"
#include "sched/wait.cpp"
#include "sched/worker_core.cpp"

namespace {

using coir_model::execution;
using coir_model::explore;
using coir_model::holds;
using coir_model::plain;
using coir_model::require;

constexpr int most = 3;

struct state {
  parts::runtime_memory memory;
  coir::worker_core owner{memory.get(), 0};
  coir::worker_core thief{memory.get(), 1};
  coir::fiber fibers[most];
  plain<int> given[most] = {plain<int>("what comes along"), plain<int>("what comes along"),
                            plain<int>("what comes along")};
  plain<int> places[most] = {plain<int>("a fiber's place in a queue"),
                             plain<int>("a fiber's place in a queue"),
                             plain<int>("a fiber's place in a queue")};
  coir::spinlock guard;  // in place of the owner's, where the two have enough to do
  int last = -1;         // of those that the owner ran

  state() {
    for (coir::fiber& f : fibers)
      f.state.store(coir::fiber_state::started, std::memory_order_relaxed);
  }

  int number(const coir::fiber& f) const { return static_cast<int>(&f - fibers); }

  void put(int i) {
    // Relaxed: the inbox publishes it.
    fibers[i].home.store(&owner, std::memory_order_relaxed);
    given[i].set(1);
    owner.arrivals.put(fibers[i]);
  }
  // Any thread makes a fiber ready.
  void send(int i) {
    put(i);
    owner.sleep.notify();
  }

  void run(const coir::fiber& f) {
    plain<int>& along = given[number(f)];
    require(along.get() == 1, "a fiber runs once, with what came along");
    along.set(2);
  }

  void run_here(const coir::fiber& f) {
    require(number(f) > last, "first come, first served");
    last = number(f);
    run(f);
  }

  // Takes in what has arrived, and runs what is ready.
  void look_up() {
    owner.poll();
    while (true) {
      owner.guard.enter();
      coir::fiber* f = owner.pick();
      owner.guard.leave();
      if (f == nullptr) return;
      run_here(*f);
    }
  }

  // The loop of a worker until the last fiber has run, which is pinned; without a queue.
  void work(int all) {
    while (true) {
      if (!owner.arrivals.empty()) {
        guard.lock();
        coir::fiber* f = owner.arrivals.take();
        guard.unlock();
        for (; f != nullptr; f = f->next) run_here(*f);
      }
      if (last == all - 1) return;
      owner.sleep.prepare();
      if (owner.arrivals.empty()) owner.sleep.park(coir::deadline::never());
      owner.sleep.cancel();
    }
  }

  coir::fiber_list steal() {
    if (!owner.guard.try_seize()) return {};
    coir::fiber_list loot = owner.give_up(thief, true);
    owner.guard.give_back();
    return loot;
  }
  void steal_and_run() {
    coir::fiber_list loot = steal();
    while (coir::fiber* f = loot.pop_front()) {
      require(!f->pinned, "a pinned fiber stays");
      run(*f);
    }
  }

  void each_ran_once(int all) {
    look_up();
    for (int i = 0; i < all; ++i) require(given[i].peek() == 2, "each fiber ran");
  }
};

TEST(InboxModel, EachFiberIsTakenOnceAndInOrder) {
  holds(explore({"an inbox"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->put(0);
      s->put(1);
    });
    e.thread([=] { s->look_up(); });
    e.finally([=] { s->each_ran_once(2); });
  }));
}

TEST(InboxModel, AThiefLeavesNoWakeUpBehind) {
  holds(explore({"a waker, a worker and a thief"}, [](execution& e) {
    auto s = std::make_shared<state>();
    s->fibers[1].pinned = true;
    e.thread([=] {
      s->send(0);
      s->send(1);
    });
    e.thread([=] { s->work(2); });
    e.thread([=] {
      s->guard.lock();
      coir::fiber* f = s->owner.arrivals.take_unpinned(s->thief);
      s->guard.unlock();
      for (; f != nullptr; f = f->next) s->run(*f);
    });
    e.finally([=] { s->each_ran_once(2); });
  }));
}

TEST(InboxModel, AThiefAndTheWorkerDoNotTakeTheSame) {
  holds(explore({"a worker and a thief, while another comes"}, [](execution& e) {
    auto s = std::make_shared<state>();
    s->fibers[0].pinned = true;
    s->put(0);
    s->put(1);
    e.thread([=] { s->put(2); });
    e.thread([=] { s->owner.poll(); });
    e.thread([=] { s->steal_and_run(); });
    e.finally([=] { s->each_ran_once(3); });
  }));
}

TEST(InboxModel, TwoThievesDoNotTakeTheSame) {
  holds(explore({"two thieves"}, [](execution& e) {
    auto s = std::make_shared<state>();
    s->fibers[1].pinned = true;
    for (int i = 0; i < 3; ++i) s->put(i);
    e.thread([=] { s->steal_and_run(); });
    e.thread([=] { s->steal_and_run(); });
    e.finally([=] { s->each_ran_once(3); });
  }));
}

// One who joins a fiber looks under the guard whether it is still at home here, and then where it
// stands in the queue: the thief is already putting it in his.
TEST(InboxModel, WhoHoldsTheGuardKnowsWhichFibersAreAtHome) {
  holds(explore({"a joiner and a thief"}, [](execution& e) {
    auto s = std::make_shared<state>();
    s->put(0);
    e.thread([=] {
      s->owner.guard.enter();
      // Relaxed: under the guard.
      if (s->fibers[0].home.load(std::memory_order_relaxed) == &s->owner)
        static_cast<void>(s->places[0].get());
      s->owner.guard.leave();
    });
    e.thread([=] {
      coir::fiber_list loot = s->steal();
      while (coir::fiber* f = loot.pop_front()) {
        s->thief.push(*f);
        s->places[s->number(*f)].set(1);
      }
    });
  }));
}

}  // namespace
