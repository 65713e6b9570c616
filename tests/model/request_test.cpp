// request_test.cpp - every interleaving of a request, its tour, and a fiber that waits and moves.
// SPDX-License-Identifier: BSL-1.0
#include "model/model.hpp"

#include <new>

#include "arch/biased_lock.cpp"
#include "arch/spinlock.cpp"
#include "model/scheduler_parts.hpp"
#include "sched/parking.cpp"
#include "sched/request.cpp"
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

// The runtime of the execution under way.
struct tour_route {
  coir::runtime_core* runtime;
  coir::worker_core* stops[2];
  std::uint32_t count;
};
tour_route route;

// A fiber that waits for something, and the one worker or two that it does so on.
struct state {
  coir::spinlock lock;
  coir::wait_list list;
  parts::runtime_memory memory;
  coir::worker_core a{memory.get(), 0};
  coir::worker_core b{memory.get(), 1};
  coir::fiber f;
  coir_model::atomic<int> ready;  // how often it has been made so, less how often it went on
  plain<int> stack{"what is on the stack of the fiber"};
  alignas(coir::waiter) std::byte place[sizeof(coir::waiter)];

  explicit state(std::uint32_t workers) {
    route = {&memory.get(), {&a, &b}, workers};
    a.alone = workers == 1;
    parts::made_ready = [this](coir::fiber& one) {
      require(&one == &f, "it is the fiber that is made ready");
      // As the run queue does, by its lock.
      require(ready.fetch_add(1, std::memory_order_acq_rel) == 0, "its wait ends once");
      stack.set(3);
    };
    f.runtime.store(&memory.get(), std::memory_order_relaxed);
    f.home.store(&a, std::memory_order_relaxed);
    f.wait_word.store(1, std::memory_order_relaxed);
    f.references.store(2, std::memory_order_relaxed);
  }

  // The fiber, on a worker that has it: looks, and waits if it was not asked to end. Up to the
  // switch, and the switch: who runs next unlocks.
  bool waits_on(coir::worker_core& on) {
    parts::run_on(on);
    stack.set(1);
    // Relaxed: as in check_cancelled().
    if (f.requests.load(std::memory_order_relaxed) != 0) {
      tell();
      return false;
    }
    on.current = &f;
    lock.lock();
    coir::waiter& w = *::new (place) coir::waiter("a model");
    list.push_back(w);
    w.begin(on);
    stack.set(1);
    on.current = nullptr;
    lock.unlock();
    return true;
  }

  // The fiber, back from its wait, on whatever worker.
  void go_on(coir::worker_core& on) {
    parts::run_on(on);
    // Relaxed: as a thief or a waker does.
    f.home.store(&on, std::memory_order_relaxed);
    // Acquire: as above.
    ready.fetch_sub(1, std::memory_order_acq_rel);
    stack.set(2);
    auto& w = *reinterpret_cast<coir::waiter*>(place);
    w.end();
    if (w.outcome() == wait_outcome::cancelled) {
      coir::leave_list(w, lock);
      tell();
    }
    w.~waiter();
  }

  // As tell() in wait_failure.cpp.
  void tell() {
    // Acquire: likewise.
    require(f.requests.fetch_and(~coir::fiber_request::cancel, std::memory_order_acquire) != 0,
            "nobody is told who was not asked");
  }

  // A worker, between two fibers.
  void visit_loop(coir::worker_core& of) {
    parts::run_on(of);
    if (coir::fiber* one = of.errands.take()) coir::go_on_tour(of, *one);
  }

  // A fiber of `on` hands over what is waited for; the one that waited goes on there.
  bool is_woken_on(coir::worker_core& on) {
    parts::run_on(on);
    lock.lock();
    coir::waiter* w = list.pop();
    lock.unlock();
    if (w == nullptr) return false;
    w->resume();
    return true;
  }

  void ask() { require(coir::request_cancel(f, {}), "it has not ended"); }

  // The loops do what is still to do. Then nobody is on tour, and the fiber knows what it was
  // asked.
  void come_to_rest() {
    for (int round = 0; round < 4; ++round)
      for (coir::worker_core* one : {&a, &b}) visit_loop(*one);
    require(a.errands.empty() && b.errands.empty(), "the tour comes to an end");
    require(f.on_errand.load(std::memory_order_relaxed) == 0, "and says so");
    require(f.references.load(std::memory_order_relaxed) == 2, "and holds nothing");
    bool waits = (f.wait_word.load(std::memory_order_relaxed) & coir::wait_outcome_bits) == 0;
    require(!waits || f.requests.load(std::memory_order_relaxed) == 0,
            "nobody waits who was asked and not told");
  }
};

}  // namespace

namespace coir {
inline namespace v1 {

std::uint32_t stops_of_tour(const worker_core&) noexcept {
  return route.count;
}
worker_core& stop_after(const worker_core& one) noexcept {
  return *route.stops[(one.index + 1) % route.count];
}
void visit_runtimes(const std::function<void(runtime_core&)>& visit) {
  visit(*route.runtime);
}
void recycle_fiber(fiber&) noexcept {
  coir_model::require(false, "the fiber has a handle");
}

}  // namespace v1
}  // namespace coir

namespace {

TEST(RequestModel, AFiberThatIsAboutToWaitIsTold) {
  holds(explore({"a request, and a fiber about to wait"}, [](execution& e) {
    auto s = std::make_shared<state>(1);
    e.thread([=] {
      static_cast<void>(s->waits_on(s->a));
      s->visit_loop(s->a);
    });
    e.thread([=] { s->ask(); });
    e.finally([=] { s->come_to_rest(); });
  }));
}

// The fiber knows of the first by itself, and waits again before the tour that it began has ended.
TEST(RequestModel, ASecondRequestWhileTheTourIsUnderWayIsTold) {
  holds(explore({"two requests, one after the other"}, [](execution& e) {
    auto s = std::make_shared<state>(1);
    e.thread([=] {
      if (!s->waits_on(s->a)) static_cast<void>(s->waits_on(s->a));
      s->visit_loop(s->a);
    });
    e.thread([=] {
      s->ask();
      s->ask();
    });
    e.finally([=] { s->come_to_rest(); });
  }));
}

TEST(RequestModel, AFiberThatIsWokenAndWaitsElsewhereIsTold) {
  holds(explore({"a request, and a fiber that moves"}, [](execution& e) {
    auto s = std::make_shared<state>(2);
    e.thread([=] {
      static_cast<void>(s->waits_on(s->a));
      s->visit_loop(s->a);
    });
    e.thread([=] {
      if (s->is_woken_on(s->b)) {
        s->go_on(s->b);
        static_cast<void>(s->waits_on(s->b));
      }
      s->visit_loop(s->b);
    });
    e.thread([=] { s->ask(); });
    e.finally([=] { s->come_to_rest(); });
  }));
}

// A request while another is on tour, which the fiber knows of by itself: it waits on `a` and is
// asked again when that worker has been looked at, or is to be.
void a_second_request_is_told(coir::worker_core state::*next_stop, std::uint32_t stops_left,
                              const char* name) {
  holds(explore({name}, [=](execution& e) {
    auto s = std::make_shared<state>(2);
    s->f.on_errand.store(stops_left, std::memory_order_relaxed);
    s->f.references.store(3, std::memory_order_relaxed);
    ((*s).*next_stop).errands.put(s->f);
    e.thread([=] {
      static_cast<void>(s->waits_on(s->a));
      s->visit_loop(s->a);
    });
    e.thread([=] { s->visit_loop(s->b); });
    e.thread([=] { s->ask(); });
    e.finally([=] { s->come_to_rest(); });
  }));
}

TEST(RequestModel, AFiberIsToldWhereATourThatIsUnderWayHasBeen) {
  a_second_request_is_told(&state::b, 1, "a request behind the tour");
}

TEST(RequestModel, AFiberIsToldWhereATourThatIsUnderWayIs) {
  a_second_request_is_told(&state::a, 2, "a request before the tour");
}

// By a fiber of the worker that the other one may have gone to.
TEST(RequestModel, AFiberIsToldThoughItMayHaveComeToTheWorkerOfWhoAsks) {
  holds(explore({"a request by a fiber"}, [](execution& e) {
    auto s = std::make_shared<state>(2);
    e.thread([=] {
      static_cast<void>(s->waits_on(s->a));
      s->visit_loop(s->a);
    });
    e.thread([=] {
      if (s->is_woken_on(s->b)) {
        s->go_on(s->b);
        static_cast<void>(s->waits_on(s->b));
      }
      parts::run_on(s->b);
      s->ask();
      s->visit_loop(s->b);
    });
    e.finally([=] { s->come_to_rest(); });
  }));
}

}  // namespace
