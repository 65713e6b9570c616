// runtime_test.cpp - runtimes: in the foreground, on threads of their own, side by side.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class RuntimeTest : public coir_test::leaks_no_stack<testing::TestWithParam<unsigned>> {
 protected:
  coir::runtime_options options() const { return {.workers = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(Workers, RuntimeTest, coir_test::one_and_four_workers());

static_assert(!std::is_copy_constructible_v<coir::runtime>);
static_assert(std::is_nothrow_move_constructible_v<coir::runtime>);

TEST_P(RuntimeTest, OneThatIsNeverRunIsDestroyedWithAllThatWasGivenToIt) {
  auto token = std::make_shared<int>(0);
  coir::task<void> kept;
  {
    coir::runtime rt(options());
    for (int i = 0; i < 20; ++i) kept = rt.spawn([token] {});
  }
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_TRUE(kept.cancelled());
}

TEST_P(RuntimeTest, RunUntilCompleteMayBeCalledAgainAndAgain) {
  coir::runtime rt(options());
  std::atomic<int> steps{0};
  auto slow = rt.spawn([&] {
    while (steps < 50) {
      ++steps;
      coir::this_fiber::yield();
    }
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rt.run_until_complete([i] { return i; }), i);
  rt.run_until_complete([&] { slow.join(); });
  EXPECT_EQ(steps, 50);
  EXPECT_THROW(rt.run_until_complete([] { throw std::runtime_error("out"); }), std::runtime_error);
  EXPECT_EQ(*rt.run_until_complete([] { return std::make_unique<int>(1); }), 1);
}

TEST_P(RuntimeTest, PostAndSpawnComeFromAnyThread) {
  coir::runtime rt = coir::runtime::background(options());
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i) {
        rt.post([&] { ++ran; });
        if (i % 10 == 0) {
          EXPECT_EQ(rt.spawn([i] { return i; }).get(), i);
        }
      }
    });
  }
  for (std::thread& t : threads) t.join();
  rt.spawn([&] {
      while (ran < 1'000) coir::this_fiber::yield();
    }).join();
  EXPECT_EQ(ran, 1'000);
}

TEST_P(RuntimeTest, PostsFromOneThreadStartInOrder) {
  if (GetParam() != 1) GTEST_SKIP() << "with more workers they start at the same time";
  coir::runtime rt = coir::runtime::background(options());
  std::string trace;
  for (char c : std::string("abcdefgh")) rt.post([&trace, c] { trace += c; });
  rt.spawn([] {}).join();
  EXPECT_EQ(trace, "abcdefgh");
}

TEST_P(RuntimeTest, DestroyingABackgroundOneEndsFibersThatWait) {
  std::atomic<int> ended{0};
  coir::task<void> kept;
  {
    coir::runtime rt = coir::runtime::background(options());
    std::atomic<int> waiting{0};
    for (int i = 0; i < 20; ++i) {
      kept = rt.spawn([&] {
        ++waiting;
        try {
          coir::this_fiber::sleep_for(1h);
        } catch (const coir::cancelled&) {
          ++ended;
          throw;
        }
      });
    }
    while (waiting < 20) std::this_thread::yield();
  }
  EXPECT_EQ(ended, 20);
  EXPECT_TRUE(kept.cancelled());
}

TEST_P(RuntimeTest, DestroyingABackgroundOneEndsFibersThatNeverBegan) {
  for (int round = 0; round < 50; ++round) {
    auto token = std::make_shared<int>(0);
    {
      coir::runtime rt = coir::runtime::background(options());
      for (int i = 0; i < 20; ++i) rt.post([token] { coir::this_fiber::yield(); });
    }
    ASSERT_EQ(token.use_count(), 1);
  }
}

TEST_P(RuntimeTest, DestroyingABackgroundOneEndsWhatIsBehindTheLastToEnd) {
  std::atomic<bool> destroying{false};
  bool ran = false;
  auto rt = std::make_unique<coir::runtime>(coir::runtime::background({.workers = 1}));
  rt->post([&] {
    coir::spawn([&] { ran = true; });
    while (!destroying) {
    }
    // The end may be asked for before this fiber ends, and then the other never begins.
    for (int i = 0; i < 100'000; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
  });
  destroying = true;
  rt.reset();
  SUCCEED() << (ran ? "it ran" : "it never began");
}

TEST_P(RuntimeTest, DestroyingOneStopsFibersThatOnlyYield) {
  coir::runtime rt = coir::runtime::background(options());
  std::atomic<int> started{0};
  for (int i = 0; i < 4; ++i) {
    rt.post([&] {
      ++started;
      while (true) coir::this_fiber::yield();
    });
  }
  while (started < 4) std::this_thread::yield();
}

TEST_P(RuntimeTest, StopEndsRunForeverWhichMayBeCalledAgain) {
  coir::runtime rt(options());
  int rounds = 0;
  for (int i = 0; i < 5; ++i) {
    rt.post([&] {
      for (int n = 0; n < 100; ++n) coir::this_fiber::yield();
      ++rounds;
      rt.stop();
    });
    rt.run_forever();
    EXPECT_EQ(rounds, i + 1);
  }
  std::thread outside([&] { rt.stop(); });
  rt.run_forever();
  outside.join();
  EXPECT_EQ(rt.run_until_complete([] { return 1; }), 1) << "it can still be run";
}

TEST_P(RuntimeTest, StopEndsRunForeverThoughFibersAreReady) {
  std::atomic<bool> end{false};  // read by the fibers until rt has gone
  coir::runtime rt(options());
  for (int i = 0; i < 3; ++i) {
    rt.post([&] {
      while (!end) coir::this_fiber::yield();
    });
  }
  std::thread outside([&] { rt.stop(); });
  rt.run_forever();
  outside.join();
  end = true;
}

TEST_P(RuntimeTest, StopDoesNotTouchABackgroundOne) {
  coir::runtime rt = coir::runtime::background(options());
  rt.stop();
  EXPECT_EQ(rt.spawn([] { return 3; }).get(), 3);
  rt.post([] { coir::this_fiber::sleep_for(1h); });
}

TEST_P(RuntimeTest, SeveralLiveSideBySideEachWithItsOwnFibers) {
  std::vector<coir::runtime> all;
  for (int i = 0; i < 4; ++i) all.push_back(coir::runtime::background(options()));
  std::vector<coir::task<coir::runtime*>> where;
  for (coir::runtime& rt : all) {
    where.push_back(rt.spawn([] {
      auto inner = coir::spawn([] { return coir::runtime::current(); });
      coir::this_fiber::yield();
      return inner.get() == coir::runtime::current() ? coir::runtime::current() : nullptr;
    }));
  }
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(where[i].get(), &all[i]);
}

TEST_P(RuntimeTest, FibersOfDifferentRuntimesWaitForEachOther) {
  coir::runtime a = coir::runtime::background(options());
  coir::runtime b = coir::runtime::background(options());
  auto sum = a.spawn([&] {
    int total = 0;
    for (int i = 0; i < 300; ++i)
      total += b.spawn([&, i] { return a.spawn([i] { return i; }).get(); }).get();
    return total;
  });
  EXPECT_EQ(sum.get(), 299 * 300 / 2);
}

TEST_P(RuntimeTest, OneMayBeRunInsideAFiberOfAnother) {
  coir::run(
      [&] {
        coir::runtime* outer = coir::runtime::current();
        coir::runtime inner(options());
        int result = inner.run_until_complete([&] {
          EXPECT_EQ(coir::runtime::current(), &inner);
          auto t = coir::spawn([] {
            coir::this_fiber::sleep_for(1us);
            return 4;
          });
          return t.get();
        });
        EXPECT_EQ(result, 4);
        EXPECT_EQ(coir::runtime::current(), outer);
        coir::this_fiber::yield();
      },
      options());
}

TEST_P(RuntimeTest, AThousandAreMadeAndDestroyed) {
  for (int i = 0; i < 1'000; ++i) {
    coir::runtime rt(options());
    if (i % 2 == 0) rt.post([] {});
    if (i % 5 == 0) {
      ASSERT_EQ(rt.run_until_complete([i] { return coir::spawn([i] { return i; }).get(); }), i);
    }
  }
}

TEST_P(RuntimeTest, AHundredBackgroundOnesAreMadeAndDestroyed) {
  for (int i = 0; i < 100; ++i) {
    coir::runtime rt = coir::runtime::background(options());
    for (int n = 0; n < 3; ++n) rt.post([] { coir::spawn([] {}).join(); });
    if (i % 2 == 0) rt.spawn([] {}).join();
  }
}

TEST_P(RuntimeTest, AMovedOneGoesOnUnderItsNewAddress) {
  coir::runtime first = coir::runtime::background(options());
  auto t = first.spawn([] {
    coir::this_fiber::sleep_for(1us);
    return coir::runtime::current();
  });
  t.join();
  coir::runtime second = std::move(first);
  EXPECT_EQ(second.spawn([] { return coir::runtime::current(); }).get(), &second);
}

TEST(RuntimeDefault, APlainThreadSpawnsThere) {
  auto t = coir::spawn([] { return coir::runtime::current(); });
  EXPECT_EQ(t.get(), &coir::default_runtime());
  EXPECT_EQ(&coir::default_runtime(), &coir::default_runtime());
}

TEST(RuntimeIds, NoTwoFibersNorThreadsHaveTheSame) {
  std::set<coir::fiber_id> ids{coir::this_fiber::get_id()};
  EXPECT_EQ(coir::this_fiber::get_id(), coir::this_fiber::get_id());
  EXPECT_NE(coir::this_fiber::get_id(), coir::fiber_id());
  std::thread([&] { EXPECT_TRUE(ids.insert(coir::this_fiber::get_id()).second); }).join();
  for (int round = 0; round < 3; ++round) {
    coir::run([&] {
      for (int i = 0; i < 1'000; ++i) {
        auto t = coir::spawn([] { return coir::this_fiber::get_id(); });
        EXPECT_TRUE(ids.insert(t.get()).second);
      }
    });
  }
}

TEST_P(RuntimeTest, AWakerMayStillBeAtItWhenTheRuntimeHasEnded) {
  for (int i = 0; i < 300; ++i) {
    coir::runtime other = coir::runtime::background({.workers = 1});
    // The end of the task makes the main fiber ready, and with that everything here may go.
    int result = coir::run([&] { return other.spawn([i] { return i; }).get(); }, options());
    ASSERT_EQ(result, i);
  }
}

}  // namespace
