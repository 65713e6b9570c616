// engine_test.cpp - what the model checker sees, and what it leaves alone.
// SPDX-License-Identifier: BSL-1.0
#include "model/model.hpp"

namespace {

using coir_model::atomic;
using coir_model::breaks;
using coir_model::execution;
using coir_model::explore;
using coir_model::holds;
using coir_model::plain;
using coir_model::require;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

// Each stores and then looks for the other's store.
coir_model::report store_buffering(std::memory_order stores, std::memory_order loads, bool fences) {
  return explore({"store buffering"}, [=](execution& e) {
    struct state {
      atomic<int> x, y;
      plain<int> a{"a"}, b{"b"};
    };
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->x.store(1, stores);
      if (fences) coir_model::fence_everywhere();
      s->a.set(s->y.load(loads));
    });
    e.thread([=] {
      s->y.store(1, stores);
      s->b.set(s->x.load(loads));
    });
    e.finally([=] { require(s->a.peek() + s->b.peek() != 0, "one saw the other"); });
  });
}

TEST(ModelEngine, SeesAStoreThatIsStillBuffered) {
  breaks(store_buffering(relaxed, relaxed, false), "one saw the other");
  breaks(store_buffering(release, acquire, false), "one saw the other");
  breaks(store_buffering(seq_cst, acquire, false), "one saw the other");
  breaks(store_buffering(release, seq_cst, false), "one saw the other");
}

TEST(ModelEngine, KnowsThatSequentialConsistencyForbidsIt) {
  holds(store_buffering(seq_cst, seq_cst, false));
}

TEST(ModelEngine, KnowsThatAFenceInEveryThreadForbidsIt) {
  holds(store_buffering(relaxed, relaxed, true));
}

coir_model::report message_passing(std::memory_order stores, std::memory_order loads) {
  return explore({"message passing"}, [=](execution& e) {
    struct state {
      atomic<int> flag, value;
    };
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->value.store(1, relaxed);
      s->flag.store(1, stores);
    });
    e.thread([=] {
      if (s->flag.load(loads) == 0) return;
      require(s->value.load(relaxed) == 1, "the message has come");
    });
  });
}

TEST(ModelEngine, SeesAMessageOvertaken) {
  breaks(message_passing(relaxed, acquire), "the message has come");
  breaks(message_passing(release, relaxed), "the message has come");
}

TEST(ModelEngine, KnowsThatReleaseAndAcquireCarryIt) {
  holds(message_passing(release, acquire));
}

TEST(ModelEngine, KnowsThatTheyOrderPlainData) {
  auto handing_over = [](std::memory_order stores, std::memory_order loads) {
    return explore({"handing over"}, [=](execution& e) {
      struct state {
        atomic<int> flag;
        plain<int> data{"the data"};
      };
      auto s = std::make_shared<state>();
      e.thread([=] {
        s->data.set(1);
        s->flag.store(1, stores);
      });
      e.thread([=] {
        if (s->flag.load(loads) == 1) s->data.set(2);
      });
    });
  };
  holds(handing_over(release, acquire));
  breaks(handing_over(relaxed, acquire), "a race: write of the data");
  breaks(handing_over(release, relaxed), "a race: write of the data");
}

TEST(ModelEngine, SeesARaceOnPlainData) {
  breaks(explore({"a race"},
                 [](execution& e) {
                   auto data = std::make_shared<plain<int>>("the data");
                   e.thread([=] { data->set(1); });
                   e.thread([=] { static_cast<void>(data->get()); });
                 }),
         "a race: ");
}

TEST(ModelEngine, KnowsThatAReadModifyWriteGoesOnWithARelease) {
  holds(explore({"release sequence"}, [](execution& e) {
    struct state {
      atomic<int> flag;
      plain<int> data{"data"};
    };
    auto s = std::make_shared<state>();
    e.thread([=] {
      s->data.set(1);
      s->flag.store(1, release);
    });
    e.thread([=] { s->flag.fetch_add(1, relaxed); });
    e.thread([=] {
      if (s->flag.load(acquire) == 2) require(s->data.get() == 1, "carried on");
    });
  }));
}

TEST(ModelEngine, KnowsThatIncrementsAreNotLost) {
  holds(explore({"increments"}, [](execution& e) {
    auto count = std::make_shared<atomic<int>>(0);
    for (int i = 0; i < 3; ++i) {
      e.thread([=] {
        count->fetch_add(1, relaxed);
        count->fetch_add(1, acq_rel);
      });
    }
    e.finally([=] { require(count->load(relaxed) == 6, "all are counted"); });
  }));
}

TEST(ModelEngine, SeesALostIncrement) {
  breaks(explore({"increments"},
                 [](execution& e) {
                   auto count = std::make_shared<atomic<int>>(0);
                   for (int i = 0; i < 2; ++i)
                     e.thread([=] { count->store(count->load(seq_cst) + 1, seq_cst); });
                   e.finally([=] { require(count->load(relaxed) == 2, "both are counted"); });
                 }),
         "both are counted");
}

TEST(ModelEngine, KnowsThatAThreadDoesNotReadBackwards) {
  holds(explore({"coherence"}, [](execution& e) {
    auto x = std::make_shared<atomic<int>>(0);
    e.thread([=] {
      x->store(1, relaxed);
      x->store(2, relaxed);
    });
    e.thread([=] {
      int first = x->load(relaxed);
      require(x->load(relaxed) >= first, "no way back");
    });
  }));
}

TEST(ModelEngine, SeesASleepThatNobodyEnds) {
  // The flag is set, and the sleeper woken, before it sleeps on the old value.
  breaks(
      explore({"lost wake-up"},
              [](execution& e) {
                auto flag = std::make_shared<atomic<int>>(0);
                e.thread([=] { static_cast<void>(coir_model::futex_wait(flag->raw(), 0, false)); });
                e.thread([=] { coir_model::futex_wake(flag->raw()); });
              }),
      "all threads wait");
  holds(explore({"a wake-up"}, [](execution& e) {
    auto flag = std::make_shared<atomic<int>>(0);
    e.thread([=] {
      while (flag->load(acquire) == 0)
        static_cast<void>(coir_model::futex_wait(flag->raw(), 0, false));
    });
    e.thread([=] {
      flag->store(1, release);
      coir_model::futex_wake(flag->raw());
    });
  }));
}

TEST(ModelEngine, SpinsUntilAnotherStores) {
  holds(explore({"spinning"}, [](execution& e) {
    auto flag = std::make_shared<atomic<int>>(0);
    e.thread([=] {
      while (flag->load(relaxed) == 0) coir_model::yield();
    });
    e.thread([=] { flag->store(1, relaxed); });
  }));
  breaks(explore({"spinning for ever"},
                 [](execution& e) {
                   auto flag = std::make_shared<atomic<int>>(0);
                   e.thread([=] {
                     while (flag->load(relaxed) == 0) coir_model::yield();
                   });
                   e.thread([=] { static_cast<void>(flag->load(relaxed)); });
                 }),
         "spins for ever");
}

TEST(ModelEngine, SeesATouchAfterTheEnd) {
  breaks(explore({"too late"},
                 [](execution& e) {
                   struct state {
                     std::unique_ptr<atomic<int>> word = std::make_unique<atomic<int>>(0);
                     atomic<int>* address = word.get();
                     atomic<int> done;
                   };
                   auto s = std::make_shared<state>();
                   e.thread([=] {
                     s->address->store(1, relaxed);
                     s->done.store(1, relaxed);
                   });
                   e.thread([=] {
                     if (s->done.load(acquire) == 1) s->word->~atomic();
                   });
                   e.finally([=] { s->word.release(); });
                 }),
         "ends while another thread may still touch it");
}

}  // namespace
