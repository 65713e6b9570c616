// watchdog_test.cpp - a fiber that keeps its worker too long is reported while it does.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/config.hpp>
#include <coir/event.hpp>
#include <coir/generator.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/switch_window.hpp"
#include "sched/stretch.hpp"
#include "support/captured_stderr.hpp"
#include "support/death.hpp"
#include "support/parties.hpp"
#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::string_view complaint = "has kept its worker for more than";
constexpr std::chrono::nanoseconds limit = 20ms;

coir::runtime_options watched(unsigned workers, std::chrono::nanoseconds longest = limit) {
  return {.workers = workers, .warn_if_running_longer_than = longest};
}

}  // namespace

// Keeps its worker until `done`. With a name that the report can have.
extern "C" void coir_test_keeps_its_worker(const std::function<bool()>& done);
[[gnu::noinline]] void coir_test_keeps_its_worker(const std::function<bool()>& done) {
  while (!done()) {
  }
  asm volatile("");
}

namespace {

class WatchdogTest : public coir_test::leaks_no_stack<testing::TestWithParam<unsigned>> {
 protected:
  void SetUp() override {
    if (COIR_TEST_EMULATED) GTEST_SKIP() << "no look reaches a fiber that runs under the emulator";
  }

  // Keeps the worker until there have been `reports`. Reading them makes system calls: without any,
  // ThreadSanitizer would not let the signal through.
  void hog_until(int reports) {
    coir_test_keeps_its_worker([&] { return stderr_.count(complaint) >= reports; });
  }

  int reports() { return stderr_.count(complaint); }
  const std::string& text() { return stderr_.text(); }

 private:
  coir_test::captured_stderr stderr_;
};
INSTANTIATE_TEST_SUITE_P(Workers, WatchdogTest, coir_test::one_and_four_workers());

TEST_P(WatchdogTest, AFiberThatKeepsItsWorkerIsReportedByNameWithItsCallsWhileItRuns) {
  coir::run([&] { coir::spawn({.name = "hog"}, [&] { hog_until(1); }).join(); },
            watched(GetParam()));
  EXPECT_THAT(text(), testing::ContainsRegex("coir: fiber [0-9]+ 'hog' has kept its worker for "
                                             "more than [0-9]+ ms without a switch:"));
  EXPECT_THAT(text(), testing::HasSubstr("coir_test_keeps_its_worker"));
}

TEST_P(WatchdogTest, OneWithoutANameIsReportedByItsNumber) {
  std::uint64_t number = 0;
  coir::run(
      [&] {
        number = coir::this_fiber::get_id().number();
        hog_until(1);
      },
      watched(GetParam()));
  std::string digits = std::to_string(number);
  EXPECT_THAT(text(), testing::HasSubstr("coir: fiber " + digits + " 'fiber-" + digits + "' has"));
}

TEST_P(WatchdogTest, AStretchIsReportedOnceAndTheNextOneAgain) {
  coir::run(
      [&] {
        for (int stretch = 1; stretch <= 3; ++stretch) {
          hog_until(stretch);
          auto end = std::chrono::steady_clock::now() + 5 * limit;
          coir_test_keeps_its_worker([&] { return std::chrono::steady_clock::now() >= end; });
          EXPECT_EQ(reports(), stretch);
          coir::this_fiber::yield();
        }
      },
      watched(GetParam()));
  EXPECT_EQ(reports(), 3);
}

TEST_P(WatchdogTest, AFiberThatMakesNoSystemCallIsReported) {
  if (COIR_TSAN) GTEST_SKIP() << "ThreadSanitizer keeps signals back until there is a call";
  std::atomic<bool> reported{false};
  std::thread reader([&] {
    while (reports() == 0) std::this_thread::yield();
    reported = true;
  });
  coir::run([&] { coir_test_keeps_its_worker([&] { return reported.load(); }); },
            watched(GetParam()));
  reader.join();
}

TEST_P(WatchdogTest, AFiberBlockedInASystemCallIsReportedAndTheCallGoesOn) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::thread writer([&] {
    while (reports() == 0) std::this_thread::yield();
    EXPECT_EQ(write(ends[1], "x", 1), 1);
  });
  coir::run(
      [&] {
        char c = 0;
        EXPECT_EQ(read(ends[0], &c, 1), 1) << "interrupted";
      },
      watched(GetParam()));
  writer.join();
  close(ends[0]);
  close(ends[1]);
}

TEST_P(WatchdogTest, OnAThreadThatBlocksAllSignalsThisOneIsLetThroughMeanwhile) {
  sigset_t before;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  coir::run([&] { hog_until(1); }, watched(GetParam()));
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &before, &after);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal)
    EXPECT_EQ(sigismember(&after, signal), 1) << signal;
}

TEST_P(WatchdogTest, FibersThatGiveWayInTimeAreNotReported) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + 5 * limit;
  clock::time_point last = clock::now();
  clock::duration longest{};
  auto body = [&] {
    while (last < end) {
      coir::this_fiber::yield();
      auto now = clock::now();
      longest = std::max(longest, now - last);
      last = now;
    }
  };
  coir::run([&] { coir::spawn(body), body(); }, watched(1));
  // A machine that has more to do may have kept one of them from giving way.
  EXPECT_TRUE(reports() == 0 || 2 * longest > limit);
}

TEST_P(WatchdogTest, AFiberThatWaitsIsNotReported) {
  coir::run([&] { coir::this_fiber::sleep_for(5 * limit); }, watched(GetParam()));
  EXPECT_EQ(reports(), 0);
}

TEST_P(WatchdogTest, AnEmbeddedRuntimeIsWatchedWhileItRuns) {
  coir::runtime rt(watched(GetParam()));
  bool over = false;
  auto t = rt.spawn({.pinned = true}, [&] {
    hog_until(1);
    over = true;
  });
  while (!t.done()) {
    rt.run_ready();
    if (!t.done()) std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(over);
}

TEST_P(WatchdogTest, AFiberThatRunsAnotherRuntimeKeepsItsWorkerAllTheSame) {
  coir::run(
      [&] {
        coir::this_fiber::set_name("outer");
        coir::runtime inner;
        inner.run_until_complete([&] { hog_until(1); });
      },
      watched(GetParam()));
  EXPECT_THAT(text(), testing::HasSubstr("'outer' has kept"));
}

TEST_P(WatchdogTest, AFiberThatIsAmidGeneratorsWhenTheLookComesIsReported) {
  if (COIR_TSAN) GTEST_SKIP() << "ThreadSanitizer keeps signals back until there is a call";
  coir::run(
      [&] {
        std::atomic<int> seen{0};
        std::atomic<bool> over{false};
        std::thread reader([&] {
          while (!over) {
            seen = reports();
            std::this_thread::sleep_for(1ms);
          }
        });
        for (int stretch = 1; stretch <= 50; ++stretch) {
          while (seen < stretch) {
            coir::generator<int> short_one{[](auto& yield) {
              for (int i = 0; i < 3; ++i) yield(i);
            }};
            for (int i : short_one) EXPECT_LT(i, 3);
          }
          coir::this_fiber::yield();
        }
        over = true;
        reader.join();
      },
      watched(GetParam(), 1ms));
}

TEST_P(WatchdogTest, AChildOfForkHasAWatchdogOfItsOwnRuntime) {
  if (COIR_TSAN || COIR_TEST_EMULATED) GTEST_SKIP() << "a child may not have threads here";
  coir::runtime parents = coir::runtime::background(watched(GetParam()));
  parents.spawn([] {}).join();
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    coir::run([&] { hog_until(1); }, watched(1));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// How often the thread with that name has gone to sleep by itself; -1 where there is none.
long sleeps_of(const std::string& name) {
  long sleeps = -1;
  DIR* tasks = opendir("/proc/self/task");
  while (const dirent* entry = readdir(tasks)) {
    std::string folder = std::string("/proc/self/task/") + entry->d_name;
    std::string line;
    if (!std::getline(std::ifstream(folder + "/comm"), line) || line != name) continue;
    std::ifstream status(folder + "/status");
    while (std::getline(status, line))
      if (line.starts_with("voluntary_ctxt_switches:")) sleeps = std::stol(line.substr(24));
  }
  closedir(tasks);
  return sleeps;
}

TEST_P(WatchdogTest, WhileItsRuntimeSleepsTheWatchdogSleeps) {
  if (COIR_TEST_EMULATED) GTEST_SKIP() << "the threads of the emulator are others";
  coir::runtime rt = coir::runtime::background(
      {.name = "idle", .workers = GetParam(), .warn_if_running_longer_than = limit});
  auto sleeper = rt.spawn([] { coir::this_fiber::sleep_for(1h); });
  // Looks are four in a limit; none comes any more, sooner or later.
  long before = -2;
  for (long now; (now = sleeps_of("idle/watchdog")) < 0 || now != before; before = now)
    std::this_thread::sleep_for(5 * limit);
  EXPECT_EQ(reports(), 0);
  rt.spawn([&] { hog_until(1); }).join();
  EXPECT_EQ(reports(), 1) << "it woke up";
}

class WatchdogDeadlock : public coir_test::deadlock_test {};

TEST_F(WatchdogDeadlock, ADeadlockIsFoundThoughThereIsAWatchdog) {
  if (COIR_TSAN) GTEST_SKIP() << "with the first thread comes one of ThreadSanitizer's";
  for (unsigned workers : {1U, 4U}) {
    coir::event never;
    EXPECT_THROW(coir::run([&] { never.wait(); }, watched(workers)), coir::deadlock);
  }
}

void end_with_a_watched_runtime() {
  auto* rt = new coir::runtime(coir::runtime::background(watched(2)));
  rt->spawn([] {}).join();
  std::exit(0);
}

TEST(WatchdogDeathTest, AProcessEndsThoughThereIsAWatchdog) {
  coir_test::die_in_new_program();
  EXPECT_EXIT(end_with_a_watched_runtime(), testing::ExitedWithCode(0), "");
}

TEST(StretchMeter, WhatIsSeenForAsLongAsTheLimitIsOverdueUntilItIsTold) {
  coir::stretch_meter meter;
  coir::stretch one{.fiber = 1, .polls = 7, .budget = 64};
  EXPECT_FALSE(meter.overdue(one, 1000, 100));
  EXPECT_FALSE(meter.overdue(one, 1099, 100));
  EXPECT_TRUE(meter.overdue(one, 1100, 100));
  EXPECT_TRUE(meter.overdue(one, 1150, 100)) << "not told yet";
  EXPECT_EQ(meter.since(), 1000);
  meter.told();
  EXPECT_FALSE(meter.overdue(one, 2000, 100));
}

TEST(StretchMeter, AnyChangeBeginsAnew) {
  coir::stretch_meter meter;
  coir::stretch seen{.fiber = 1, .polls = 7, .budget = 64};
  std::int64_t now = 1000;
  auto change = [&](auto&& what) {
    EXPECT_TRUE(meter.overdue(seen, now, 100));
    meter.told();
    what();
    EXPECT_FALSE(meter.overdue(seen, now + 99, 100));
    EXPECT_EQ(meter.since(), now + 99);
    now += 199;
  };
  EXPECT_FALSE(meter.overdue(seen, now, 100));
  now += 100;
  change([&] { seen.fiber = 2; });
  change([&] { seen.polls = 8; });
  change([&] { seen.budget = 63; });
}

#if COIR_HAS_ASM && COIR_INLINE_SWITCH
[[gnu::noinline]] void switches(coir::asm_context& self, coir::asm_context& to) {
  coir::asm_context::switch_to(self, to, nullptr);
}

TEST(SwitchWindow, IsFoundInAFunctionThatSwitches) {
  auto* code = reinterpret_cast<const char*>(&switches);
  int found = 0;
  for (int offset = 0; offset < 4096; ++offset)
    found += coir::amid_inline_switch(code + offset) ? 1 : 0;
  EXPECT_GE(found, 2);
  EXPECT_FALSE(coir::amid_inline_switch(code));
}
#endif

}  // namespace
