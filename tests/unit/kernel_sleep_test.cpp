// kernel_sleep_test.cpp - a fiber that blocks its worker in the kernel is reported while it does.
// SPDX-License-Identifier: BSL-1.0
#include "sched/kernel_sleep.hpp"

#include <coir/config.hpp>
#include <coir/runtime.hpp>
#include <coir/spawn.hpp>
#include <coir/stack.hpp>
#include <coir/this_fiber.hpp>
#include <coir/thread.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

#include "support/captured_stderr.hpp"
#include "support/death.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::string_view complaint = "has blocked its worker in the kernel for more than";

coir::runtime_options watched(unsigned workers) {
  return {.workers = workers, .warn_if_blocked_longer_than = 20ms};
}

}  // namespace

// Blocks until there is something to read. With a name that the report can have.
extern "C" void coir_test_blocks_in_read(int from);
[[gnu::noinline]] void coir_test_blocks_in_read(int from) {
  char c = 0;
  EXPECT_EQ(read(from, &c, 1), 1) << "interrupted";
  asm volatile("");
}

namespace {

class KernelSleepTest : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    if (COIR_TEST_EMULATED) GTEST_SKIP() << "the threads of the emulator are others";
    ASSERT_EQ(pipe(ends_), 0);
  }
  void TearDown() override {
    for (int end : ends_) close(end);
    EXPECT_EQ(coir::stack_stats().live, live_) << "a stack leaked";
  }

  int reports() { return stderr_.count(complaint); }
  const std::string& text() { return stderr_.text(); }

  void block() { coir_test_blocks_in_read(ends_[0]); }
  void unblock() { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  // From another thread.
  void unblock_after(int count) {
    while (reports() < count) std::this_thread::yield();
    unblock();
  }

 private:
  std::size_t live_ = coir::stack_stats().live;
  int ends_[2] = {-1, -1};
  coir_test::captured_stderr stderr_;
};
INSTANTIATE_TEST_SUITE_P(Workers, KernelSleepTest, testing::Values(1U, 4U));

TEST_P(KernelSleepTest, AFiberThatBlocksIsReportedByNameWithItsCallsAndItsCallGoesOn) {
  std::thread other([&] { unblock_after(1); });
  coir::run([&] { coir::spawn({.name = "blocker"}, [&] { block(); }).join(); },
            watched(GetParam()));
  other.join();
  EXPECT_THAT(text(), testing::ContainsRegex("coir: fiber [0-9]+ 'blocker' has blocked its worker "
                                             "in the kernel for more than [0-9]+ ms:"));
  EXPECT_THAT(text(), testing::HasSubstr("coir_test_blocks_in_read"));
}

TEST_P(KernelSleepTest, OnceForEachStackOfCalls) {
  std::thread other([&] {
    unblock_after(1);
    // Time enough for a second report of the same place.
    const auto end = std::chrono::steady_clock::now() + 100ms;
    while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
    unblock();
    unblock_after(2);
  });
  coir::run(
      [&] {
        int times = 2;
        asm volatile("" : "+r"(times));  // or each round might have a call of its own
        for (int i = 0; i < times; ++i) {
          block();
          coir::this_fiber::yield();
        }
        block();
      },
      watched(GetParam()));
  other.join();
  EXPECT_EQ(reports(), 2);
}

TEST_P(KernelSleepTest, OneThatWaitsForAMutexOfTheStandardIsReported) {
  std::mutex held;
  std::atomic<bool> locked{false};
  std::thread other([&] {
    std::lock_guard guard(held);
    locked = true;
    block();
  });
  while (!locked) std::this_thread::yield();
  std::thread witness([&] { unblock_after(1); });
  coir::run([&] { std::lock_guard guard(held); }, watched(GetParam()));
  other.join();
  witness.join();
  EXPECT_EQ(reports(), 1);
}

// Nothing is to be reported here; a report that comes late, of the fiber before, would be seen.
TEST_P(KernelSleepTest, OneThatComputesIsNotReported) {
  std::thread other([&] { unblock_after(1); });
  coir::run(
      [&] {
        coir::this_fiber::set_name("computes");
        const auto end = std::chrono::steady_clock::now() + 100ms;
        while (std::chrono::steady_clock::now() < end) {
        }
        coir::spawn({.name = "blocks"}, [&] { block(); }).join();
      },
      watched(GetParam()));
  other.join();
  EXPECT_THAT(text(), testing::Not(testing::HasSubstr("'computes'")));
}

TEST(KernelSleepDeath, TheDefaultRuntimeIsWatchedWhereTheEnvironmentAsksForIt) {
  if (COIR_TEST_EMULATED) GTEST_SKIP() << "the threads of the emulator are others";
  coir_test::die_in_new_program();
  auto program = [] {
    setenv("COIR_WARN_IF_BLOCKED_MS", "20", 1);
    int ends[2];
    static_cast<void>(!pipe(ends));
    coir::thread t([&] { coir_test_blocks_in_read(ends[0]); });
    {
      coir_test::captured_stderr watch;
      while (watch.count(complaint) == 0) std::this_thread::yield();
    }
    static_cast<void>(!write(ends[1], "x", 1));
    t.join();
    std::exit(0);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), std::string(complaint));
}

TEST(ThreadStatus, IsReadFromTheLinesOfTheSystem) {
  auto seen = coir::thread_status::parse(
      "Name:\tState:\nState:\tS (sleeping)\nThreads:\t2\nvoluntary_ctxt_switches:\t17\n"
      "nonvoluntary_ctxt_switches:\t4\n");
  EXPECT_TRUE(seen.known && seen.asleep);
  EXPECT_EQ(seen.sleeps, 17U);
  EXPECT_FALSE(coir::thread_status::parse("Name:\tx\nState:\tR (running)\n"
                                          "voluntary_ctxt_switches:\t17\n")
                   .asleep);
  EXPECT_FALSE(coir::thread_status::parse("").known);
  EXPECT_FALSE(coir::thread_status::of(-1).known);
}

constexpr coir::thread_status asleep(std::uint64_t sleeps) {
  return {.known = true, .asleep = true, .sleeps = sleeps};
}

TEST(SleepMeter, OneSleepThatLastsIsOverdueUntilItIsTold) {
  coir::sleep_meter meter;
  EXPECT_FALSE(meter.overdue(asleep(7), 1000, 100));
  EXPECT_FALSE(meter.overdue(asleep(7), 1099, 100));
  EXPECT_TRUE(meter.overdue(asleep(7), 1100, 100));
  EXPECT_EQ(meter.since(), 1000);
  meter.told();
  EXPECT_FALSE(meter.overdue(asleep(7), 1200, 100));
}

TEST(SleepMeter, TheSleepThatTheSignalInterruptedIsToldAndTheNextOneIsAnother) {
  coir::sleep_meter meter;
  EXPECT_FALSE(meter.overdue(asleep(7), 1000, 100));
  EXPECT_TRUE(meter.overdue(asleep(7), 1100, 100));
  meter.told();
  EXPECT_FALSE(meter.overdue(asleep(8), 1200, 100));
  EXPECT_FALSE(meter.overdue(asleep(8), 1300, 100)) << "the same, gone on";
  EXPECT_FALSE(meter.overdue(asleep(9), 1400, 100));
  EXPECT_TRUE(meter.overdue(asleep(9), 1500, 100));
}

TEST(SleepMeter, OneThatRunsOrIsNotKnownIsNotOverdue) {
  coir::sleep_meter meter;
  EXPECT_FALSE(meter.overdue(asleep(7), 1000, 100));
  EXPECT_FALSE(meter.overdue({.known = true, .asleep = false, .sleeps = 7}, 1100, 100));
  EXPECT_FALSE(meter.overdue(asleep(7), 1199, 100)) << "it may have run in between";
  EXPECT_FALSE(meter.overdue({}, 1300, 100));
}

}  // namespace
