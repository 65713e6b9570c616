// timeout_wait_test.cpp - deadlines that come while a fiber waits for this and that.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancel.hpp>
#include <coir/cancelled.hpp>
#include <coir/channel.hpp>
#include <coir/event.hpp>
#include <coir/gather.hpp>
#include <coir/mutex.hpp>
#include <coir/shield.hpp>
#include <coir/spawn.hpp>
#include <coir/this_fiber.hpp>
#include <coir/uncancellable.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <vector>

#include "support/virtual_run.hpp"

namespace {

using namespace std::chrono_literals;
using coir::timed_out;
using coir::timeout_scope;
using coir::with_timeout;
using coir::this_fiber::cancellation_point;
using coir::this_fiber::sleep_for;

class TimeoutWaitTest : public coir_test::virtual_run_test {};
INSTANTIATE_TEST_SUITE_P(Workers, TimeoutWaitTest, coir_test::one_and_four_workers());

TEST_P(TimeoutWaitTest, InsideUncancellableItWaits) {
  run([&] {
    expires_after(3s, [&] {
      with_timeout(1s, [&] {
        {
          coir::uncancellable here;
          sleep_for(3s);
        }
        cancellation_point();
      });
    });
    expires_after(3s, [&] {
      timeout_scope t{1s};
      {
        coir::uncancellable here;
        sleep_for(3s);
        cancellation_point();
      }
      EXPECT_TRUE(t.expired());
      cancellation_point();
    });
  });
}

TEST_P(TimeoutWaitTest, ACancellationAndAnExpiryBothPendingTheCancellationWins) {
  run([&] {
    coir::task<void> t;
    coir::event given;
    t = coir::spawn([&] {
      given.wait();
      EXPECT_THROW(with_timeout(0s,
                                [&] {
                                  t.cancel("first");
                                  sleep_for(1h);
                                }),
                   coir::cancelled);
      {
        timeout_scope expired{0s};
        t.cancel();
        EXPECT_THROW(sleep_for(1h), coir::cancelled);
        EXPECT_THROW(sleep_for(1h), timed_out);
      }
      sleep_for(1h);
    });
    given.set();
    t.get();
  });
}

TEST_P(TimeoutWaitTest, ACancellationPassesThrough) {
  run([&] {
    auto t = coir::spawn([] { with_timeout(24h, [] { sleep_for(48h); }); });
    auto u = coir::spawn([] {
      timeout_scope s{24h};
      sleep_for(48h);
    });
    settle();
    t.cancel();
    u.cancel();
    t.join();
    u.join();
    EXPECT_TRUE(t.cancelled() && u.cancelled());
  });
  EXPECT_LT(clock_.elapsed(), 1h);
}

TEST_P(TimeoutWaitTest, ATaskThatIsWaitedForIsCancelled) {
  run([&] {
    auto t = coir::spawn([] {
      try {
        sleep_for(24h);
      } catch (const coir::cancelled&) {
        sleep_for(1s);
        throw;
      }
      return 1;
    });
    expires_after(2s, [&] { with_timeout(1s, [&] { t.get(); }); });
    EXPECT_TRUE(t.cancelled());

    auto stubborn = coir::spawn([] {
      try {
        sleep_for(24h);
      } catch (const coir::cancelled&) {
      }
      return 7;
    });
    EXPECT_EQ(with_timeout(1s, [&] { return stubborn.get(); }), 7);

    auto shielded = coir::spawn([] { sleep_for(2s); });
    expires_after(1s, [&] { with_timeout(1s, [&] { coir::shield(shielded).get(); }); });
    EXPECT_FALSE(shielded.done());
  });
}

TEST_P(TimeoutWaitTest, TasksThatAreGatheredAreCancelled) {
  run([&] {
    auto a = coir::spawn([] { sleep_for(24h); });
    auto b = coir::spawn([] { sleep_for(500ms); });
    expires_after(1s, [&] { with_timeout(1s, [&] { coir::gather(a, b); }); });
    EXPECT_TRUE(a.cancelled());
    EXPECT_TRUE(b.done() && !b.cancelled());
    auto c = coir::spawn([] { sleep_for(24h); });
    expires_after(1s, [&] {
      timeout_scope t{1s};
      coir::gather(c);
    });
    EXPECT_TRUE(c.cancelled());
  });
}

TEST_P(TimeoutWaitTest, AMutexIsLockedAllTheSame) {
  run([&] {
    coir::mutex m;
    m.lock();
    auto t = coir::spawn([&] {
      bool locked = false;
      EXPECT_THROW(with_timeout(1s,
                                [&] {
                                  m.lock();
                                  locked = true;
                                  cancellation_point();
                                }),
                   timed_out);
      EXPECT_TRUE(locked);
      m.unlock();
    });
    sleep_for(2s);
    EXPECT_FALSE(t.done());
    m.unlock();
    t.get();
  });
}

TEST_P(TimeoutWaitTest, ATimedWaitInsideHasItsOwnDeadline) {
  run([&] {
    coir::event never;
    with_timeout(2s, [&] { EXPECT_FALSE(never.wait_for(1s)); });
    expires_after(1s, [&] { with_timeout(1s, [&] { EXPECT_FALSE(never.wait_for(2s)); }); });
    // Both at once: either is right, nothing else is.
    for (int i = 0; i < 10; ++i) {
      try {
        with_timeout(1s, [&] { EXPECT_FALSE(never.wait_for(1s)); });
      } catch (const timed_out&) {
      }
    }
  });
}

TEST_P(TimeoutWaitTest, TheFiberMayGoOnElsewhereWhileItIsOpen) {
  run([&] {
    for (int round = 0; round < 50; ++round) {
      auto t = coir::spawn([&] {
        expires_after(1s, [&] {
          timeout_scope outer{1s};
          for (int i = 0; i < 20; ++i) {
            timeout_scope inner{1h};
            coir::this_fiber::yield();
            coir::spawn([] { coir::this_fiber::yield(); }).join();
          }
          sleep_for(1h);
        });
      });
      t.get();
    }
  });
}

TEST_P(TimeoutWaitTest, AnExpiryRacesASuccessAndOneOfTheTwoIsHadWhole) {
  run([&] {
    coir::channel<int> ch{0};
    std::atomic<int> received{0};
    std::atomic<int> sent{0};
    constexpr int pairs = 200;
    std::vector<coir::task<void>> all;
    for (int i = 0; i < pairs; ++i) {
      all.push_back(coir::spawn([&] {
        try {
          with_timeout(1s, [&] { ch.receive(); });
          ++received;
        } catch (const timed_out&) {
        }
      }));
      all.push_back(coir::spawn([&] {
        sleep_for(1s);  // when the receivers' time is up
        try {
          with_timeout(0s + 1ns, [&] { ch.send(1); });
          ++sent;
        } catch (const timed_out&) {
        }
      }));
    }
    for (auto& t : all) t.get();
    EXPECT_EQ(received, sent);
  });
}

TEST_P(TimeoutWaitTest, TenThousandScopesInTenThousandFibers) {
  run([&] {
    std::atomic<int> expired{0};
    std::vector<coir::task<void>> all;
    for (int i = 0; i < 10'000; ++i)
      all.push_back(coir::spawn([&, i] {
        try {
          with_timeout(std::chrono::milliseconds((i * 7919) % 1'000 + 1), [] {
            timeout_scope never{1h};
            sleep_for(500ms);
          });
        } catch (const timed_out&) {
          ++expired;
        }
      }));
    for (auto& t : all) t.get();
    EXPECT_GE(expired, 4'990);
    EXPECT_LE(expired, 5'000);
  });
}

TEST_P(TimeoutWaitTest, TheEndOfTheRuntimeComesBeforeTheDeadline) {
  coir::event never;
  coir::task<void> left;
  run([&] {
    left = coir::spawn([&] {
      timeout_scope t{1h};
      never.wait();
    });
    for (int i = 0; i < 100; ++i) coir::this_fiber::yield();
  });
  EXPECT_TRUE(left.done());
}

}  // namespace
