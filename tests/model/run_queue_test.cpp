// run_queue_test.cpp - every interleaving of a worker at its queue and of a thief.
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
#include "sched/worker_core.cpp"

namespace {

using coir_model::execution;
using coir_model::explore;
using coir_model::holds;
using coir_model::plain;
using coir_model::require;

constexpr int most = 3;

// A worker's queue, as push(), pick() and steal_from() use it.
struct state {
  parts::runtime_memory memory;
  coir::worker_core owner{memory.get(), 0};
  coir::fiber fibers[most];
  plain<int> runs[most] = {plain<int>("a fiber's stack"), plain<int>("a fiber's stack"),
                           plain<int>("a fiber's stack")};
  plain<int> queue{"the queue"};
  coir_model::atomic<int> computes, done;

  state() {
    for (coir::fiber& f : fibers)
      f.state.store(coir::fiber_state::started, std::memory_order_relaxed);
  }

  int number(const coir::fiber& f) const { return static_cast<int>(&f - fibers); }

  void run(const coir::fiber& f) {
    plain<int>& stack = runs[number(f)];
    stack.set(stack.get() + 1);
  }

  // The owner's part of a switch.
  coir::fiber* next() {
    owner.guard.enter();
    queue.set(0);
    coir::fiber* f = owner.pick();
    owner.guard.leave();
    return f;
  }

  // A thief's, up to where it has the loot.
  int steal(coir::fiber* loot[]) {
    if (!owner.guard.try_seize()) return 0;
    queue.set(0);
    int count = 0;
    bool fresh = false;
    for (std::uint32_t share = (owner.ready.size() + 1) / 2; share > 0; --share) {
      coir::fiber* f = owner.ready.steal(fresh);
      if (f == nullptr) break;
      loot[count++] = f;
    }
    owner.guard.give_back();
    return count;
  }
  int steal_and_run() {
    coir::fiber* loot[most];
    int count = steal(loot);
    for (int i = 0; i < count; ++i) run(*loot[i]);
    return count;
  }

  void each_ran_once(int all) {
    while (coir::fiber* f = next()) run(*f);
    for (int i = 0; i < all; ++i) require(runs[i].peek() == 1, "each fiber ran once");
  }
};

TEST(RunQueueModel, AFiberIsRunByTheOwnerOrTheThief) {
  holds(explore({"an owner and a thief"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->owner.push(s->fibers[0]);
      s->owner.push(s->fibers[1]);
      if (coir::fiber* f = s->next()) s->run(*f);
    });
    e.thread([=] { static_cast<void>(s->steal_and_run()); });
    e.finally([=] { s->each_ran_once(2); });
  }));
}

TEST(RunQueueModel, WhatWaitsBehindAHogIsRunByTheThief) {
  holds(explore({"a thief behind a hog"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->owner.push(s->fibers[0]);
      s->owner.push(s->fibers[1]);
      s->computes.store(1, std::memory_order_relaxed);
      s->done.await(2);  // a fiber that gives way to nobody until the others have run
    });
    e.thread([=] {
      int ran = s->steal_and_run();  // at any time
      s->computes.await(1);
      while (ran < 2) {
        int more = s->steal_and_run();
        require(more > 0, "the thief finds what waits");
        ran += more;
      }
      s->done.store(ran, std::memory_order_release);
    });
    e.finally([=] { s->each_ran_once(2); });
  }));
}

TEST(RunQueueModel, TwoThievesShareWhatThereIs) {
  holds(explore({"an owner and two thieves"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] { s->owner.push(s->fibers[0]); });
    e.thread([=] { static_cast<void>(s->steal_and_run()); });
    e.thread([=] { static_cast<void>(s->steal_and_run()); });
    e.finally([=] { s->each_ran_once(1); });
  }));
}

}  // namespace
