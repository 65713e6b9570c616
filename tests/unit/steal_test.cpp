// steal_test.cpp - fibers that change their worker: behind a hog, amid exceptions, never when
// pinned. SPDX-License-Identifier: BSL-1.0
#include <coir/event.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arch/heavy_fence.hpp"
#include "sched/runtime_core.hpp"
#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class StealTest : public coir_test::leaks_no_stack<> {
 protected:
  void SetUp() override {
    if (!coir::prepare_heavy_fence()) GTEST_SKIP() << "nothing is stolen without a heavy fence";
  }
};

// The calling thread's id. The compiler takes std::this_thread::get_id() for a constant.
[[gnu::noinline]] std::thread::id thread_here() {
  asm volatile("" : : : "memory");
  return std::this_thread::get_id();
}

// Keeps its worker until `done` says so, or far too much time has passed; whether it was in time.
template <class Done>
bool hog_until(Done done) {
  auto end = std::chrono::steady_clock::now() + 30s;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
  }
  return true;
}

TEST_F(StealTest, AThiefRunsAllThatWaitsBehindAHog) {
  coir::run(
      [] {
        for (int round = 0; round < 5; ++round) {
          std::atomic<int> ran{0};
          auto hog = coir::spawn([&] { return hog_until([&] { return ran == 100; }); });
          for (int i = 0; i < 100; ++i) coir::spawn([&] { ++ran; });
          EXPECT_TRUE(hog.get()) << ran;
        }
      },
      {.workers = 2});
}

TEST_F(StealTest, AThiefRunsASingleFiberBehindAHog) {
  coir::run(
      [] {
        std::atomic<bool> ran{false};
        auto lone = coir::spawn([&] { ran = true; });
        EXPECT_TRUE(hog_until([&] { return ran.load(); }));
        lone.join();
      },
      {.workers = 2});
}

TEST_F(StealTest, AThiefRunsFibersThatHaveStartedBefore) {
  coir::run(
      [] {
        std::atomic<int> ran{0};
        std::atomic<bool> go{false};
        for (int i = 0; i < 50; ++i) {
          coir::spawn([&] {
            while (!go) coir::this_fiber::yield();
            ++ran;
          });
        }
        for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
        go = true;
        EXPECT_TRUE(hog_until([&] { return ran == 50; })) << ran;
      },
      {.workers = 2});
}

TEST_F(StealTest, AsManyHogsAsWorkersButOneShutOutNobody) {
  coir::run(
      [] {
        for (int round = 0; round < 3; ++round) {
          std::atomic<int> ran{0};
          std::vector<coir::task<bool>> hogs;
          for (int i = 0; i < 3; ++i)
            hogs.push_back(coir::spawn([&] { return hog_until([&] { return ran == 100; }); }));
          for (int i = 0; i < 100; ++i) coir::spawn([&] { ++ran; });
          for (auto& h : hogs) EXPECT_TRUE(h.get()) << ran;
        }
      },
      {.workers = 4});
}

TEST_F(StealTest, WhatAHogMakesWhileItRunsIsRunByOthers) {
  coir::run(
      [] {
        for (int i = 0; i < 200; ++i) {
          std::atomic<bool> ran{false};
          coir::spawn([&] { ran = true; });
          coir::spawn([] {});
          ASSERT_TRUE(hog_until([&] { return ran.load(); })) << i;
        }
      },
      {.workers = 4});
}

TEST_F(StealTest, APinnedFiberWaitsForItsOwnWorker) {
  coir::run(
      [] {
        std::atomic<int> ran{0};
        auto home = thread_here();
        auto pinned = coir::spawn({.pinned = true}, [&] {
          ++ran;
          return thread_here();
        });
        for (int i = 0; i < 20; ++i) coir::spawn([&] { ++ran; });
        // This fiber is the hog: the others are stolen from around the pinned one.
        EXPECT_TRUE(hog_until([&] { return ran == 20; })) << ran;
        EXPECT_FALSE(pinned.done());
        auto at = pinned.get();
        EXPECT_EQ(at, home);
      },
      {.workers = 2});
}

// From outside each worker has one in turn.
TEST_F(StealTest, AThiefRunsWhatAThreadSendsToAHog) {
  coir::run(
      [] {
        coir::runtime& rt = *coir::runtime::current();
        std::atomic<int> ran{0};
        std::thread outside([&] {
          for (int i = 0; i < 10; ++i) rt.post([&] { ++ran; });
        });
        EXPECT_TRUE(hog_until([&] { return ran == 10; })) << ran;
        outside.join();
      },
      {.workers = 2});
}

TEST_F(StealTest, AThiefRunsAFiberThatAThreadWakesBehindAHog) {
  coir::run(
      [] {
        coir::event waits, called;
        std::atomic<bool> ran{false};
        auto woken = coir::spawn([&] {
          waits.set();
          called.wait();
          ran = true;
        });
        waits.wait();
        std::thread outside([&] { called.set(); });
        EXPECT_TRUE(hog_until([&] { return ran.load(); }));
        outside.join();
        woken.join();
      },
      {.workers = 2});
}

TEST_F(StealTest, APinnedFiberThatAThreadSendsToAHogWaitsItsTurn) {
  coir::run(
      [] {
        coir::runtime& rt = *coir::runtime::current();
        std::atomic<int> turn{0};
        std::atomic<int> ran{0};
        using place = std::pair<std::thread::id, int>;
        std::vector<coir::task<place>> pinned;
        std::thread outside([&] {
          for (int i = 0; i < 10; ++i) {
            for (int w = 0; w < 2; ++w)
              pinned.push_back(
                  rt.spawn({.pinned = true}, [&] { return place(thread_here(), turn++); }));
            for (int w = 0; w < 2; ++w) rt.post([&] { ++ran; });
          }
        });
        outside.join();
        EXPECT_TRUE(hog_until([&] { return ran == 20 && turn == 10; })) << ran << ' ' << turn;
        for (std::size_t w = 0; w < 2; ++w) {
          place before = pinned[w].get();
          for (std::size_t i = w + 2; i < pinned.size(); i += 2) {
            place next = pinned[i].get();
            EXPECT_EQ(next.first, before.first);
            EXPECT_GT(next.second, before.second);
            before = next;
          }
        }
        EXPECT_EQ(turn, 20);
      },
      {.workers = 2});
}

// Whether a thief that comes by twice, first to see what there is and once more before it sleeps,
// takes a fiber that another worker is about to come to. Neither is run by anybody.
bool thief_takes_a_lone_fiber(bool from_queue) {
  for (int i = 0; i < 1'000; ++i) {
    coir::runtime rt({.workers = 2});
    coir::worker_core& thief = rt.core().worker_at(0);
    coir::worker_core& victim = rt.core().worker_at(1);
    for (int w = 0; w < 2; ++w) rt.post([] {});
    thief.sleep.cancel();
    thief.poll();
    if (from_queue) victim.poll();
    auto start = std::chrono::steady_clock::now();
    bool taken = thief.steal() || rt.core().linger(thief);
    // On a busy machine it may have been too long.
    if (std::chrono::steady_clock::now() - start > 500us) continue;
    EXPECT_TRUE(hog_until([&] { return thief.steal(); })) << "the other worker does not come";
    return taken;
  }
  ADD_FAILURE() << "two looks took too long, each time";
  return false;
}

TEST_F(StealTest, ALoneFiberIsLeftToAWorkerThatIsAboutToComeToIt) {
  EXPECT_FALSE(thief_takes_a_lone_fiber(true)) << "from the queue";
  EXPECT_FALSE(thief_takes_a_lone_fiber(false)) << "from the inbox";
}

TEST_F(StealTest, WorkIsSharedAmongTheWorkers) {
  coir::run(
      [] {
        std::atomic<int> inside{0};
        std::vector<coir::task<std::thread::id>> tasks;
        for (int i = 0; i < 4; ++i) {
          tasks.push_back(coir::spawn([&] {
            ++inside;
            // All four at the same time, or never.
            EXPECT_TRUE(hog_until([&] { return inside == 4; }));
            return thread_here();
          }));
        }
        std::set<std::thread::id> threads;
        for (auto& t : tasks) threads.insert(t.get());
        EXPECT_EQ(threads.size(), 4U);
        EXPECT_GE(coir::runtime::current()->stats().steals, 3U);
      },
      {.workers = 4});
}

// One fiber in a queue calls nobody: the worker may be about to come to it.
TEST_F(StealTest, OneOfThoseThatSleepLooksUpAlsoAfterTheLastWatcherFoundWork) {
  coir::run(
      [] {
        std::atomic<int> inside{0};
        std::vector<coir::task<void>> hogs;
        for (int i = 1; i <= 3; ++i) {
          hogs.push_back(coir::spawn([&] {
            ++inside;
            EXPECT_TRUE(hog_until([&] { return inside == 3; }));
          }));
          EXPECT_TRUE(hog_until([&] { return inside == i; }));
        }
        for (auto& hog : hogs) hog.join();
      },
      {.workers = 4});
}

TEST_F(StealTest, TheWatcherHandsTheWatchOnBeforeItRunsWhatHasArrived) {
  coir::runtime rt({.workers = 1});
  coir::worker_core& watcher = rt.core().worker_at(0);
  watcher.looks_round = true;
  bool watching = true;
  rt.spawn([&] { watching = watcher.looks_round; });  // might be a hog
  rt.run_ready();
  EXPECT_FALSE(watching);
}

// Goes on in another thread: gives way to a hog, behind which a thief finds it; whether it did. At
// most as many fibers as there are workers but one do so at the same time.
bool migrate() {
  for (int i = 0; i < 1'000; ++i) {
    auto from = thread_here();
    std::atomic<bool> go{false};
    auto hog = coir::spawn([&] { hog_until([&] { return go.load(); }); });
    coir::this_fiber::yield();
    bool moved = thread_here() != from;
    go = true;
    hog.join();
    if (moved) return true;
  }
  return false;
}

TEST_F(StealTest, ACatchBlockGoesOnInAnotherThread) {
  coir::run(
      [] {
        std::vector<coir::task<int>> tasks;
        std::atomic<int> moved{0};
        for (int i = 0; i < 3; ++i) {
          tasks.push_back(coir::spawn([&, i] {
            int wrong = 0;
            try {
              throw std::runtime_error(std::to_string(i));
            } catch (const std::runtime_error& error) {
              if (migrate()) ++moved;
              try {
                throw 1;
              } catch (int) {
                if (migrate()) ++moved;
              }
              if (std::uncaught_exceptions() != 0) ++wrong;
              try {
                throw;
              } catch (const std::runtime_error& again) {
                if (&again != &error || again.what() != std::to_string(i)) ++wrong;
              }
            }
            if (std::current_exception() != nullptr) ++wrong;
            return wrong;
          }));
        }
        for (auto& t : tasks) EXPECT_EQ(t.get(), 0);
        EXPECT_GT(moved, 0);
      },
      {.workers = 4});
}

TEST_F(StealTest, AStackUnwindsOnInAnotherThread) {
  struct moves {
    std::atomic<int>& moved;
    int& wrong;
    ~moves() {
      if (migrate()) ++moved;
      if (std::uncaught_exceptions() != 1) ++wrong;
    }
  };
  coir::run(
      [] {
        std::atomic<int> moved{0};
        std::vector<coir::task<int>> tasks;
        for (int i = 0; i < 3; ++i) {
          tasks.push_back(coir::spawn([&, i] {
            int wrong = 0;
            try {
              moves m{moved, wrong};
              throw i;
            } catch (int thrown) {
              if (thrown != i) ++wrong;
            }
            if (std::uncaught_exceptions() != 0) ++wrong;
            return wrong;
          }));
        }
        for (auto& t : tasks) EXPECT_EQ(t.get(), 0);
        EXPECT_GT(moved, 0);
      },
      {.workers = 4});
}

TEST_F(StealTest, TheStacksOfStolenFibersGoBackWhereverTheyEnd) {
  for (int round = 0; round < 20; ++round) {
    coir::run(
        [] {
          std::vector<coir::task<void>> tasks;
          for (int i = 0; i < 500; ++i) {
            tasks.push_back(coir::spawn([] {
              for (int n = 0; n < 5; ++n) coir::this_fiber::yield();
            }));
          }
          for (auto& t : tasks) t.join();
        },
        {.workers = 4});
  }
}

}  // namespace
