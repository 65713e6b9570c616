// cancel_test.cpp - asking a fiber to end: wherever it waits, by whom, and how often it is told.
// SPDX-License-Identifier: BSL-1.0
#include <coir/barrier.hpp>
#include <coir/cancelled.hpp>
#include <coir/channel.hpp>
#include <coir/condition_variable.hpp>
#include <coir/condition_variable_any.hpp>
#include <coir/event.hpp>
#include <coir/gather.hpp>
#include <coir/latch.hpp>
#include <coir/mutex.hpp>
#include <coir/runtime.hpp>
#include <coir/select.hpp>
#include <coir/semaphore.hpp>
#include <coir/shield.hpp>
#include <coir/spawn.hpp>
#include <coir/task_group.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/virtual_run.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::cancellation_point;
using coir::this_fiber::sleep_for;

// Everything there is to wait for, and nothing of it ever comes.
struct world {
  coir::event never;
  coir::semaphore none{0};
  coir::channel<int> empty{0};
  coir::channel<int> full{1};
  coir::latch closed{1};
  coir::barrier<> lone{2};
  coir::mutex m;
  coir::condition_variable cv;
  coir::condition_variable_any any;
  coir::task<int> endless = coir::spawn([] {
    sleep_for(std::chrono::hours::max());
    return 1;
  });

  world() { full.send(1); }

  // As on the first day.
  void expect_untouched() {
    EXPECT_FALSE(none.try_acquire());
    EXPECT_FALSE(empty.try_send(1)) << "somebody still receives";
    EXPECT_TRUE(empty.try_receive().is_empty()) << "somebody still sends";
    EXPECT_EQ(full.size(), 1U);
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  }
};

struct place {
  const char* name;
  void (*wait)(world&);
};

const place places[] = {
    {"sleep_for", [](world&) { sleep_for(24h); }},
    {"sleep_until",
     [](world&) { coir::this_fiber::sleep_until(std::chrono::steady_clock::now() + 24h); }},
    {"event", [](world& w) { w.never.wait(); }},
    {"event, timed", [](world& w) { w.never.wait_for(24h); }},
    {"semaphore", [](world& w) { w.none.acquire(); }},
    {"semaphore, timed", [](world& w) { static_cast<void>(w.none.try_acquire_for(24h)); }},
    {"send", [](world& w) { w.full.send(2); }},
    {"send, timed", [](world& w) { static_cast<void>(w.full.send_for(2, 24h)); }},
    {"receive", [](world& w) { static_cast<void>(w.empty.receive()); }},
    {"receive, timed", [](world& w) { static_cast<void>(w.empty.receive_for(24h)); }},
    {"select",
     [](world& w) {
       coir::select(coir::on_receive(w.empty, [](std::optional<int>) {}),
                    coir::on_send(w.full, 3, [] {}), coir::on_event(w.never, [] {}),
                    coir::on_task(w.endless, [](auto&) {}), coir::on_timeout(24h, [] {}));
     }},
    {"latch", [](world& w) { w.closed.wait(); }},
    {"barrier", [](world& w) { w.lone.arrive_and_wait(); }},
    {"condition_variable",
     [](world& w) {
       std::unique_lock lock(w.m);
       w.cv.wait(lock);
     }},
    {"condition_variable, timed",
     [](world& w) {
       std::unique_lock lock(w.m);
       w.cv.wait_for(lock, 24h, [] { return false; });
     }},
    {"condition_variable_any",
     [](world& w) {
       std::unique_lock lock(w.m);
       w.any.wait(lock);
     }},
    {"condition_variable_any, stoppable",
     [](world& w) {
       std::stop_source source;
       std::unique_lock lock(w.m);
       w.any.wait(lock, source.get_token(), [] { return false; });
     }},
    {"get", [](world& w) { w.endless.get(); }},
    {"join", [](world& w) { w.endless.join(); }},
    {"exception", [](world& w) { static_cast<void>(w.endless.exception()); }},
    {"shielded get", [](world& w) { coir::shield(w.endless).get(); }},
    {"shielded join", [](world& w) { coir::shield(w.endless).join(); }},
    {"gather", [](world& w) { coir::gather(w.endless); }},
    {"wait", [](world& w) { coir::wait(std::vector{w.endless}); }},
    {"task_group",
     [](world& w) {
       coir::task_group g;
       g.spawn([&w] { w.never.wait(); });
       g.join();
     }},
    {"run", [](world& w) { coir::run([&w] { w.never.wait(); }); }},
};

class CancelTest : public coir_test::virtual_run_test {
 protected:
  // For each place: makes a world, hands it to `with` with a task that waits there.
  template <class With>
  void at_every_place(With with) {
    for (const place& p : places) {
      SCOPED_TRACE(p.name);
      run([&] {
        world w;
        std::string message;
        auto t = coir::spawn([&] {
          try {
            p.wait(w);
            ADD_FAILURE() << "it came to an end";
          } catch (const coir::cancelled& c) {
            message = c.message();
            throw;
          }
        });
        settle();
        EXPECT_FALSE(t.done());
        with(t);
        t.join();
        EXPECT_TRUE(t.cancelled());
        EXPECT_EQ(message, "enough");
        w.expect_untouched();
      });
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, CancelTest, coir_test::one_and_four_workers());

TEST_P(CancelTest, EveryWaitEndsWhenItsFiberIsCancelled) {
  at_every_place([](const coir::any_task& t) { EXPECT_TRUE(t.cancel("enough")); });
  EXPECT_LT(clock_.elapsed(), 1h);
}

TEST_P(CancelTest, APlainThreadMayCancel) {
  at_every_place([](const coir::any_task& t) {
    std::thread([&] { EXPECT_TRUE(t.cancel("enough")); }).join();
  });
}

TEST_P(CancelTest, AFiberOfAnotherRuntimeMayCancel) {
  at_every_place([](const coir::any_task& t) {
    std::thread([&] { coir::run([&] { EXPECT_TRUE(t.cancel("enough")); }); }).join();
  });
}

TEST_P(CancelTest, AFiberOfARuntimeWithinThisOneMayCancel) {
  at_every_place([](const coir::any_task& t) {
    coir::runtime inner;
    inner.run_until_complete([&] { EXPECT_TRUE(t.cancel("enough")); });
  });
}

TEST_P(CancelTest, TheRequestIsToldOnEntryBeforeTheWaitHasAnyEffect) {
  for (const place& p : places) {
    SCOPED_TRACE(p.name);
    run([&] {
      world w;
      run_with_handle([&](coir::task<void>& self) {
        EXPECT_TRUE(self.cancel());
        EXPECT_THROW(p.wait(w), coir::cancelled);
        cancellation_point();  // it swallowed the only request
      });
      w.expect_untouched();
      EXPECT_FALSE(w.endless.done()) << "nobody waited for it";
    });
  }
}

TEST_P(CancelTest, TheRequestIsToldOnEntryThoughTheWaitWouldSucceed) {
  run([] {
    coir::event set;
    set.set();
    coir::semaphore one{1};
    coir::channel<int> half{2};
    half.send(1);
    coir::latch open{0};
    auto ended = coir::spawn([] {});
    ended.join();
    run_with_handle([&](coir::task<void>& self) {
      auto refuses = [&](auto wait) {
        self.cancel();
        EXPECT_THROW(wait(), coir::cancelled);
      };
      refuses([&] { set.wait(); });
      refuses([&] { one.acquire(); });
      refuses([&] { half.send(2); });
      refuses([&] { static_cast<void>(half.receive()); });
      refuses([&] { coir::select(coir::on_event(set, [] {}), coir::otherwise([] {})); });
      refuses([&] { open.wait(); });
      refuses([&] { ended.join(); });
      refuses([&] { sleep_for(0s); });
      refuses([&] { coir::this_fiber::sleep_until(std::chrono::steady_clock::now() - 1h); });
      refuses([&] { coir::this_fiber::yield(); });
      refuses([&] { cancellation_point(); });
    });
    EXPECT_TRUE(one.try_acquire());
    EXPECT_EQ(half.size(), 1U);
  });
}

TEST_P(CancelTest, OneThatIsCancelledBeforeItsStartNeverStarts) {
  auto token = std::make_shared<int>(0);
  run([&] {
    for (bool pinned : {false, true}) {
      std::atomic<bool> ran{false};
      auto t = coir::spawn({.pinned = pinned}, [&, token] { ran = true; });
      t.cancel("not yet");
      t.join();
      // A thief may have started it before.
      EXPECT_NE(ran, t.cancelled());
      if (GetParam() == 1 || pinned) {
        EXPECT_FALSE(ran);
      }
      EXPECT_EQ(token.use_count(), 1) << "what it would have run on is gone";
    }
  });
}

TEST_P(CancelTest, OneThatHasEndedIsNotCancelled) {
  run([] {
    auto t = coir::spawn([] { return 3; });
    t.join();
    EXPECT_FALSE(t.cancel());
    EXPECT_EQ(t.cancelling(), 0U);
    EXPECT_FALSE(t.cancelled());
    EXPECT_EQ(t.get(), 3);
  });
}

TEST_P(CancelTest, TwoRequestsBeforeItIsToldAreToldOnce) {
  run([] {
    int told = 0;
    auto t = coir::spawn([&] {
      for (int i = 0; i < 3; ++i) {
        try {
          sleep_for(1s);
        } catch (const coir::cancelled& c) {
          ++told;
          EXPECT_EQ(c.message(), "second");
        }
      }
    });
    settle();
    EXPECT_TRUE(t.cancel("first"));
    EXPECT_TRUE(t.cancel("second"));
    EXPECT_TRUE(t.cancel());
    EXPECT_EQ(t.cancelling(), 3U);
    t.get();
    EXPECT_EQ(told, 1);
    EXPECT_EQ(t.cancelling(), 3U);
    EXPECT_EQ(t.uncancel(), 2U);
    EXPECT_EQ(t.uncancel(), 1U);
    EXPECT_EQ(t.uncancel(), 0U);
    EXPECT_EQ(t.uncancel(), 0U);
  });
}

TEST_P(CancelTest, EachRequestThatComesAfterTheLastWasToldIsTold) {
  run([] {
    int told = 0;
    auto t = coir::spawn([&] {
      while (told < 50) {
        try {
          sleep_for(24h);
        } catch (const coir::cancelled&) {
          ++told;
        }
      }
    });
    for (int i = 0; i < 50; ++i) {
      settle();
      EXPECT_TRUE(t.cancel());
    }
    t.get();
    EXPECT_EQ(told, 50);
    EXPECT_FALSE(t.cancelled());
  });
}

TEST_P(CancelTest, ARequestThatWasTakenBackIsToldAllTheSame) {
  run([] {
    auto t = coir::spawn([] { sleep_for(1h); });
    settle();
    t.cancel();
    t.uncancel();
    t.join();
    EXPECT_TRUE(t.cancelled());
  });
}

TEST_P(CancelTest, OneThatRunsIsToldAtItsNextWait) {
  run([] {
    std::atomic<bool> running{false};
    std::atomic<bool> asked{false};
    coir::task<void> t = coir::spawn([&] {
      running = true;
      while (!asked) std::this_thread::yield();
      EXPECT_THROW(sleep_for(1h), coir::cancelled);
    });
    std::thread canceller([&] {
      while (!running) std::this_thread::yield();
      EXPECT_TRUE(t.cancel());
      asked = true;
    });
    t.get();
    canceller.join();
  });
}

TEST_P(CancelTest, OneThatIsAboutToWaitIsTold) {
  // A plain thread cancels anywhere between two waits.
  run([] {
    for (int round = 0; round < 500; ++round) {
      coir::event never;
      std::atomic<bool> go{false};
      auto t = coir::spawn([&] {
        go = true;
        never.wait();
      });
      std::thread canceller([&] {
        while (!go) std::this_thread::yield();
        t.cancel();
      });
      t.join();
      canceller.join();
      EXPECT_TRUE(t.cancelled());
    }
  });
}

}  // namespace
