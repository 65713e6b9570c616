// parking_test.cpp - every interleaving of a worker that goes to sleep and of who wakes it.
// SPDX-License-Identifier: BSL-1.0
#include "model/model.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace {

// What the system keeps for a descriptor: a counter.
coir_model::atomic<std::uint64_t>* counter;

int make_counter(unsigned value, int) {
  counter->store(value, std::memory_order_seq_cst);
  return 3;
}
long add_to_counter(int, const std::uint64_t* by, std::size_t) {
  counter->fetch_add(*by, std::memory_order_seq_cst);
  return 8;
}
long take_counter(int, std::uint64_t* value, std::size_t) {
  *value = counter->exchange(0, std::memory_order_seq_cst);
  return 8;
}

// Who the census believes asleep.
int sleepers;

}  // namespace

#define eventfd make_counter
#define write add_to_counter
#define read take_counter
#define close static_cast<void>
#include "sched/parking.cpp"
#undef eventfd
#undef write
#undef read
#undef close

#include "sched/inbox.hpp"

namespace coir {
inline namespace v1 {

void count_sleeper() noexcept {
  ++sleepers;
}
void discount_sleeper() noexcept {
  --sleepers;
}
bool futex_wait(atomic_cell<std::uint32_t>& word, std::uint32_t value, deadline end) noexcept {
  return coir_model::futex_wait(word.raw(), value, !end.is_never());
}
void futex_wake(atomic_cell<std::uint32_t>& word) noexcept {
  coir_model::futex_wake(word.raw());
}
void stack_returner::operator()(stack_slot*) const noexcept {}

}  // namespace v1
}  // namespace coir

namespace {

using coir_model::execution;
using coir_model::explore;
using coir_model::holds;
using coir_model::plain;
using coir_model::require;

constexpr auto relaxed = std::memory_order_relaxed;

struct state {
  coir::inbox arrivals;
  coir::parking_spot spot;
  coir::fiber fibers[2];
  plain<int> given[2] = {plain<int>("what comes along"), plain<int>("what comes along")};
  coir_model::atomic<std::uint64_t> descriptor;
  int taken = 0;  // by the worker only

  state() {
    counter = &descriptor;
    sleepers = 0;
  }

  // Any thread makes a fiber ready.
  void send(int i) {
    given[i].set(1);
    arrivals.put(fibers[i]);
    spot.notify();
  }

  void take_arrivals() {
    if (arrivals.empty()) return;
    for (coir::fiber* f = arrivals.take(); f != nullptr; f = f->next) {
      int i = static_cast<int>(f - fibers);
      require(given[i].get() == 1, "what came along is there");
      given[i].set(2);
      ++taken;
    }
  }

  // The loop of a worker that waits for `all` fibers.
  void work(int all, bool counted) {
    while (true) {
      take_arrivals();
      if (taken == all) return;
      spot.prepare();
      if (arrivals.empty()) {
        if (counted) spot.count_in();
        spot.park(coir::deadline::never());
      }
      spot.cancel();
    }
  }
};

TEST(ParkingModel, AWakeUpIsNeverLost) {
  holds(explore({"a worker and a waker"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] { s->work(1, false); });
    e.thread([=] { s->send(0); });
  }));
}

TEST(ParkingModel, NorOneOfTwo) {
  holds(explore({"a worker and two wakers"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] { s->work(2, false); });
    e.thread([=] { s->send(0); });
    e.thread([=] { s->send(1); });
  }));
}

TEST(ParkingModel, NorTheSecondOfOneWaker) {
  holds(explore({"a worker and a waker that comes twice"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] { s->work(2, false); });
    e.thread([=] {
      s->send(0);
      s->send(1);
    });
  }));
}

TEST(ParkingModel, TheCensusCountsWhoSleepsAndNobodyElse) {
  holds(explore({"a counted worker and two wakers"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] { s->work(2, true); });
    e.thread([=] { s->send(0); });
    e.thread([=] { s->send(1); });
    e.finally([=] { require(sleepers == 0, "nobody is counted that is awake"); });
  }));
}

TEST(ParkingModel, NorWhoSleptUntilADeadline) {
  holds(explore({"a counted sleep with a deadline"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->spot.prepare();
      s->spot.count_in();
      static_cast<void>(s->spot.park(coir::deadline(1)));
      s->spot.cancel();
    });
    e.thread([=] { s->send(0); });
    e.finally([=] { require(sleepers == 0, "nobody is counted that is awake"); });
  }));
}

TEST(ParkingModel, ADeadlineEndsTheSleepAndNothingElse) {
  holds(explore({"a sleep with a deadline"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->spot.prepare();
      bool notified = !s->arrivals.empty() || s->spot.park(coir::deadline(1));
      s->spot.cancel();
      if (notified) s->take_arrivals();
      require(!notified || s->taken == 1, "who was notified finds why");
    });
    e.thread([=] { s->send(0); });
  }));
}

// What a worker waits for may be no fiber: the end of the main one, a stop. It looks before it
// announces its sleep, and again each time it has been called.
TEST(ParkingModel, ACallIsKeptForTheNextSleep) {
  holds(explore({"a call without an arrival"}, [](execution& e) {
    struct called : state {
      coir_model::atomic<int> over;
    };
    auto s = std::make_shared<called>();
    e.thread([=] {
      while (true) {
        static_cast<void>(s->spot.answer());
        if (s->over.load(relaxed) == 1) return;
        s->spot.prepare();
        s->spot.park(coir::deadline::never());
        s->spot.cancel();
      }
    });
    e.thread([=] {
      s->over.store(1, relaxed);
      s->spot.notify();
    });
  }));
}

// The worker of a foreign loop: runs what is ready, leaves its sleep announced, and waits until the
// descriptor is readable.
TEST(ParkingModel, AForeignLoopIsToldOfEachArrival) {
  holds(explore({"a foreign loop and a waker that comes twice"}, [](execution& e) {
    auto s = std::make_shared<state>();
    static_cast<void>(s->spot.descriptor());
    e.thread([=] {
      while (true) {
        s->spot.cancel();
        s->spot.notify();
        s->take_arrivals();
        s->spot.announce([&] { return !s->arrivals.empty(); });
        if (s->taken == 2) return;
        while (s->descriptor.load(std::memory_order_seq_cst) == 0) coir_model::yield();
      }
    });
    e.thread([=] {
      s->send(0);
      s->send(1);
    });
  }));
}

}  // namespace
