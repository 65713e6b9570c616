// task_test.cpp - every interleaving of a fiber's end, of who joins it, and of its last reference.
// SPDX-License-Identifier: BSL-1.0
#include "model/model.hpp"

#include "arch/biased_lock.cpp"
#include "arch/spinlock.cpp"
#include "fiber/fiber_name.cpp"
#include "fiber/fiber_pool.cpp"
#include "model/no_requests.hpp"
#include "model/scheduler_parts.hpp"
#include "sched/fiber_end.cpp"
#include "sched/parking.cpp"
#include "sched/run_queue.cpp"
#include "sched/timer_heap.cpp"
#include "sched/wait.cpp"
#include "sched/wait_failure.cpp"
#include "sched/worker_core.cpp"
#include "task/task.cpp"

// A model does not fork.
void coir::hold_over_forks(lock_of_process, void (*)(), void (*)()) noexcept {}

namespace {

using coir_model::execution;
using coir_model::explore;
using coir_model::holds;
using coir_model::plain;
using coir_model::require;

// A fiber, what its body leaves, and what is left of it.
struct state {
  coir::fiber f;
  plain<int> result{"the result"};
  plain<int> block{"the control block"};
  int recycled = 0;

  explicit state(int references) {
    parts::sleepers = 0;
    f.references.store(static_cast<std::uint64_t>(references), std::memory_order_relaxed);
  }

  // A holder looks at the block until it lets go; the last one takes it.
  void release() {
    static_cast<void>(block.get());
    if (!coir::drop_reference(f)) return;
    block.set(1);
    ++recycled;
  }
  // As the copy of a handle does.
  void copy() { f.references.fetch_add(1, std::memory_order_relaxed); }

  // The body has returned.
  void end() {
    result.set(1);
    coir::announce_end(f, nullptr);
    release();
  }
  // A plain thread with a handle.
  void join() {
    coir::join_fiber(f, true);
    require(coir::finished(f), "it has ended");
    require(result.get() == 1, "its result is there");
    release();
  }
};

TEST(TaskModel, TheLastOfThreeReferencesIsTheLast) {
  holds(explore({"three references"}, [](execution& e) {
    auto s = std::make_shared<state>(3);
    for (int i = 0; i < 3; ++i) e.thread([=] { s->release(); });
    e.finally([=] { require(s->recycled == 1, "one of them was the last"); });
  }));
}

TEST(TaskModel, AHandleMayBeCopiedMeanwhile) {
  holds(explore({"two references and a copy"}, [](execution& e) {
    auto s = std::make_shared<state>(2);
    e.thread([=] {
      s->copy();
      s->release();
      s->release();
    });
    e.thread([=] { s->release(); });
    e.finally([=] { require(s->recycled == 1, "one of them was the last"); });
  }));
}

TEST(TaskModel, AJoinNeverMissesTheEnd) {
  holds(explore({"an end and a join"}, [](execution& e) {
    auto s = std::make_shared<state>(2);
    e.thread([=] { s->end(); });
    e.thread([=] { s->join(); });
    e.finally([=] {
      require(s->recycled == 1, "the block is given back once");
      require(parts::sleepers == 0, "nobody is counted that is awake");
    });
  }));
}

TEST(TaskModel, NorDoTwo) {
  holds(explore({"an end and two joins"}, [](execution& e) {
    auto s = std::make_shared<state>(3);
    e.thread([=] { coir::announce_end(s->f, nullptr); });
    e.thread([=] { coir::join_fiber(s->f, true); });
    e.thread([=] { coir::join_fiber(s->f, true); });
    e.finally([=] {
      require(s->f.joiners.empty(), "nobody is left in the list");
      require(parts::sleepers == 0, "nobody is counted that is awake");
    });
  }));
}

TEST(TaskModel, WhoAsksWhetherItIsDoneSeesTheResult) {
  holds(explore({"an end and a look"}, [](execution& e) {
    auto s = std::make_shared<state>(1);
    e.thread([=] { s->end(); });
    e.thread([=] {
      if (coir::finished(s->f)) require(s->result.get() == 1, "its result is there");
    });
  }));
}

// The main thread of a runtime waits in a loop of its own, at a parking spot.
TEST(TaskModel, WhoIsToldOfTheEndIsToldOnce) {
  holds(explore({"an end and a notice of it"}, [](execution& e) {
    struct noticed : state {
      using state::state;
      coir::thread_decision decision;
      coir::waiter w{"a model"};
    };
    auto s = std::make_shared<noticed>(2);
    e.thread([=] { s->end(); });
    e.thread([=] {
      s->decision.begin(s->w);
      if (coir::notify_end(s->f, s->w)) s->decision.signal.await(coir::thread_decision::go_on);
      require(s->result.get() == 1, "its result is there");
      s->release();
    });
    e.finally([=] { require(s->recycled == 1, "the block is given back once"); });
  }));
}

// A fiber that started another one by joining it waits on `here`; the other one ends on `there`.
struct started {
  parts::runtime_memory memory;
  coir::worker_core here{memory.get(), 0};
  coir::worker_core there{memory.get(), 1};
  coir::fiber starter;
  coir::fiber f;
  coir_model::atomic<int> resumed;  // times, by the end
  bool cancelled = false;           // by the loop of `here`, before the end

  started() {
    parts::made_ready = [this](coir::fiber& one) {
      require(&one == &starter, "it is the starter that is made ready");
      // As the run queue does, by its lock.
      resumed.fetch_add(1, std::memory_order_acq_rel);
    };
    starter.runtime.store(&memory.get(), std::memory_order_relaxed);
    starter.home.store(&here, std::memory_order_relaxed);
    starter.requests.store(coir::fiber_request::cancel, std::memory_order_relaxed);
    f.starter = &starter;
    coir::begin_wait(starter, here, "a model");
  }

  // The loop of `here`; whether it came first.
  bool cancel() { return here.decide_wait_of(starter, coir::wait_outcome::cancelled); }

  void end() {
    parts::run_on(there);
    require(coir::announce_end(f, &there) == nullptr, "the starter does not wait there");
  }

  coir::wait_outcome outcome() { return coir::outcome_of(starter.wait_word); }
};

TEST(TaskModel, AStarterThatIsCancelledIsNotWokenOutOfItsNextWait) {
  holds(explore({"an end elsewhere, and a starter that goes on to wait"}, [](execution& e) {
    auto s = std::make_shared<started>();
    e.thread([=] { s->end(); });
    e.thread([=] {
      parts::run_on(s->here);
      s->cancelled = s->cancel();
      if (s->cancelled) {
        coir::leave_starter(s->f);
        coir::begin_wait(s->starter, s->here, "another model");
      } else {
        s->resumed.await(1);
        require(s->outcome() == coir::wait_outcome::success, "the end has come");
      }
    });
    e.finally([=] {
      int resumed = s->resumed.load(std::memory_order_relaxed);
      require(resumed == (s->cancelled ? 0 : 1), "the end wakes it out of that wait only");
      require((s->outcome() == coir::wait_outcome::pending) == s->cancelled,
              "its next wait is its own");
      require(s->f.starter == nullptr, "nobody is left there");
    });
  }));
}

TEST(TaskModel, AStarterThatIsCancelledAndSentOnStaysCancelled) {
  holds(explore({"an end where the starter is sent"}, [](execution& e) {
    auto s = std::make_shared<started>();
    e.thread([=] { s->end(); });
    e.thread([=] {
      parts::run_on(s->here);
      if (!s->cancel()) return;
      // As send_on() does.
      s->starter.home.store(&s->there, std::memory_order_release);
      require(s->outcome() == coir::wait_outcome::cancelled, "a wait is decided once");
    });
    e.finally([=] {
      int resumed = s->resumed.load(std::memory_order_relaxed);
      require(s->outcome() ==
                  (resumed == 1 ? coir::wait_outcome::success : coir::wait_outcome::cancelled),
              "it learns what became of its wait");
    });
  }));
}

}  // namespace
