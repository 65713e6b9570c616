// timer_test.cpp - every interleaving of timers that fire and timers that are taken back.
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
using coir_model::require;

// Two fibers that sleep on one worker until a deadline, and a way to wake them before.
struct state {
  struct sleeper {
    coir::spinlock lock;
    coir::wait_list list;
    coir::fiber f;
    coir_model::atomic<int> resumed;
    wait_outcome ended = wait_outcome::pending;
    alignas(coir::waiter) std::byte place[sizeof(coir::waiter)];
  };

  parts::runtime_memory memory;
  coir::worker_core here{memory.get(), 0};
  coir::worker_core there{memory.get(), 1};
  sleeper both[2];
  coir_model::atomic<int> asleep;

  state() {
    parts::made_ready = [this](coir::fiber& one) {
      // As the run queue does, by its lock.
      both[&one == &both[1].f ? 1 : 0].resumed.fetch_add(1, std::memory_order_acq_rel);
    };
  }

  void sleep(int i, std::int64_t until) {
    sleeper& s = both[i];
    parts::run_on(here);
    here.current = &s.f;
    s.lock.lock();
    coir::waiter& w = *::new (s.place) coir::waiter("a model");
    w.until = coir::deadline(until);
    s.list.push_back(w);
    w.begin(here);
    here.current = nullptr;
    s.lock.unlock();
  }

  // The fiber goes on, on another worker.
  void go_on(int i) {
    sleeper& s = both[i];
    s.resumed.await(1);
    parts::run_on(there);
    coir::waiter& w = *reinterpret_cast<coir::waiter*>(s.place);
    w.end();
    s.ended = w.outcome();
    if (s.ended != wait_outcome::success) coir::leave_list(w, s.lock);
    w.~waiter();
    std::memset(s.place, 0x5a, sizeof s.place);
  }

  void wake(int i) {
    sleeper& s = both[i];
    s.lock.lock();
    coir::waiter* w = s.list.pop();
    s.lock.unlock();
    if (w != nullptr) w->resume();
  }

  void nothing_is_left() {
    for (sleeper& s : both) {
      if (s.ended == wait_outcome::pending) continue;
      for (std::byte b : s.place)
        require(b == std::byte{0x5a}, "nobody writes to a waiter that is gone");
      require(s.list.empty(), "nothing is left in the list");
      require(s.resumed.load(std::memory_order_relaxed) == 1, "it is resumed once");
    }
    require(here.timers.size() == here.timers_set.load(std::memory_order_relaxed),
            "all timers are counted");
  }
};

constexpr std::int64_t due = 1;
constexpr std::int64_t later = 1'000;

TEST(TimerModel, ATimerIsTakenBackWhileAnotherFires) {
  holds(explore({"one fires, the other is taken back"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->sleep(0, due);
      s->sleep(1, later);
      s->asleep.store(1, std::memory_order_release);
      s->here.poll();
    });
    e.thread([=] {
      s->asleep.await(1);
      s->wake(1);
    });
    e.thread([=] {
      s->go_on(0);
      require(s->both[0].ended == wait_outcome::timed_out, "the first one's time is up");
    });
    e.thread([=] {
      s->go_on(1);
      require(s->both[1].ended == wait_outcome::success, "the second one was woken");
    });
    e.finally([=] {
      require(s->here.timers.empty(), "both timers are gone");
      s->nothing_is_left();
    });
  }));
}

TEST(TimerModel, ATimerThatIsDueIsTakenBackByWhoWasWoken) {
  holds(explore({"two are due, one is woken"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->sleep(0, due);
      s->sleep(1, due);
      s->here.poll();
    });
    e.thread([=] { s->wake(0); });
    e.thread([=] { s->go_on(0); });
    e.thread([=] {
      s->go_on(1);
      require(s->both[1].ended == wait_outcome::timed_out, "nobody woke the second one");
    });
    e.finally([=] {
      require(s->here.timers.empty(), "both are gone");
      s->nothing_is_left();
    });
  }));
}

TEST(TimerModel, ATimerIsTakenBackBeforeItIsDueWhileTheWorkerLooks) {
  holds(explore({"one is taken back early"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->sleep(0, later);
      s->asleep.store(1, std::memory_order_release);
      s->here.poll();
      s->here.poll();
    });
    e.thread([=] {
      s->asleep.await(1);
      s->wake(0);
    });
    e.thread([=] {
      s->go_on(0);
      require(s->both[0].ended == wait_outcome::success, "it was woken");
    });
    e.finally([=] {
      require(s->here.timers.empty(), "its timer is gone");
      s->nothing_is_left();
    });
  }));
}

}  // namespace
