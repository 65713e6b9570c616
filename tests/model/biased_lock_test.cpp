// biased_lock_test.cpp - every interleaving of a worker and its thieves at the worker's guard.
// SPDX-License-Identifier: BSL-1.0
#include "model/model.hpp"

#include <coir/biased_lock.hpp>

#include "arch/biased_lock.cpp"

namespace coir {
inline namespace v1 {

bool prepare_heavy_fence() noexcept {
  return true;
}

bool heavy_fence() noexcept {
  coir_model::fence_everywhere();
  return true;
}

}  // namespace v1
}  // namespace coir

namespace {

using coir_model::execution;
using coir_model::explore;
using coir_model::holds;
using coir_model::plain;
using coir_model::require;

struct state {
  coir::biased_lock guard;
  plain<int> queue{"the queue"};
  plain<int> taken{"what was taken"};

  void own(int times) {
    for (int i = 0; i < times; ++i) {
      guard.enter();
      queue.set(queue.get() + 1);
      guard.leave();
    }
  }
  bool steal() {
    if (!guard.try_seize()) return false;
    taken.set(taken.get() + queue.get());
    queue.set(0);
    guard.give_back();
    return true;
  }
  int all() const { return queue.peek() + taken.peek(); }
};

TEST(BiasedLockModel, OwnerAndThiefAreNeverBothIn) {
  holds(explore({"an owner and a thief"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] { s->own(3); });
    e.thread([=] { static_cast<void>(s->steal()); });
    e.finally([=] { require(s->all() == 3, "nothing was lost"); });
  }));
}

TEST(BiasedLockModel, AThiefThatComesAgainDoesNotEither) {
  holds(explore({"an owner and a thief, twice each"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] { s->own(2); });
    e.thread([=] {
      static_cast<void>(s->steal());
      static_cast<void>(s->steal());
    });
    e.finally([=] { require(s->all() == 2, "nothing was lost"); });
  }));
}

TEST(BiasedLockModel, TwoThievesKeepEachOtherOut) {
  holds(explore({"an owner and two thieves"}, [](execution& e) {
    auto s = std::make_shared<state>();
    e.thread([=] { s->own(1); });
    e.thread([=] { static_cast<void>(s->steal()); });
    e.thread([=] { static_cast<void>(s->steal()); });
    e.finally([=] { require(s->all() == 1, "nothing was lost"); });
  }));
}

TEST(BiasedLockModel, AnOwnerThatStaysAwayKeepsNoThiefOut) {
  holds(explore({"a thief behind a hog"}, [](execution& e) {
    struct hog : state {
      coir_model::atomic<int> computes, stolen;
    };
    auto s = std::make_shared<hog>();
    e.thread([=] {
      s->own(1);
      s->computes.store(1, std::memory_order_relaxed);
      s->stolen.await(1);  // as a fiber would that goes on until others have run
      s->own(1);
    });
    e.thread([=] {
      static_cast<void>(s->steal());  // at any time
      s->computes.await(1);
      require(s->steal(), "the thief is let in");
      s->stolen.store(1, std::memory_order_release);
    });
    e.finally([=] { require(s->all() == 2, "nothing was lost"); });
  }));
}

}  // namespace
