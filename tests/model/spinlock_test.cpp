// spinlock_test.cpp - every interleaving of threads that want one spinlock.
// SPDX-License-Identifier: BSL-1.0
#include "model/model.hpp"

#include <coir/spinlock.hpp>

#include "arch/spinlock.cpp"

namespace {

using coir_model::execution;
using coir_model::explore;
using coir_model::holds;
using coir_model::plain;
using coir_model::require;

struct state {
  coir::spinlock lock;
  plain<int> inside{"what the lock guards"};
};

TEST(SpinlockModel, OneIsInAtATimeAndSeesWhatTheOthersDid) {
  holds(explore({"three threads lock"}, [](execution& e) {
    auto s = std::make_shared<state>();
    for (int i = 0; i < 3; ++i) {
      e.thread([=] {
        s->lock.lock();
        s->inside.set(s->inside.get() + 1);
        s->lock.unlock();
      });
    }
    e.finally([=] { require(s->inside.peek() == 3, "all three have been in"); });
  }));
}

TEST(SpinlockModel, WhoTriesIsInOrOut) {
  holds(explore({"two lock, one tries"}, [](execution& e) {
    auto s = std::make_shared<state>();
    for (int i = 0; i < 2; ++i) {
      e.thread([=] {
        s->lock.lock();
        s->inside.set(s->inside.get() + 1);
        s->lock.unlock();
      });
    }
    e.thread([=] {
      if (!s->lock.try_lock()) return;
      s->inside.set(s->inside.get() + 10);
      s->lock.unlock();
    });
    e.finally([=] {
      require(s->inside.peek() % 10 == 2, "both that locked have been in");
      require(s->lock.try_lock(), "it is free at the end");
    });
  }));
}

TEST(SpinlockModel, ALockIsPassedToAndFro) {
  holds(explore({"two threads lock twice"}, [](execution& e) {
    auto s = std::make_shared<state>();
    for (int i = 0; i < 2; ++i) {
      e.thread([=] {
        for (int n = 0; n < 2; ++n) {
          s->lock.lock();
          s->inside.set(s->inside.get() + 1);
          s->lock.unlock();
        }
      });
    }
    e.finally([=] { require(s->inside.peek() == 4, "each has been in twice"); });
  }));
}

}  // namespace
