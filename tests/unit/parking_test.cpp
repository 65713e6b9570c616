// parking_test.cpp - workers that have nothing to do sleep, and wake when they have.
// SPDX-License-Identifier: BSL-1.0
#include "sched/parking.hpp"

#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/resource.h>

namespace {

using namespace std::chrono_literals;

bool readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

std::chrono::microseconds cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto of = [](const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

TEST(Parking, ANotificationThatCameBeforeIsKept) {
  coir::parking_spot spot;
  EXPECT_FALSE(spot.called());
  EXPECT_FALSE(spot.notify()) << "nobody is asleep";
  EXPECT_TRUE(spot.called());
  spot.prepare();
  EXPECT_TRUE(spot.park(coir::deadline::never()));
  spot.cancel();
  EXPECT_FALSE(spot.called());
}

TEST(Parking, ADeadlineEndsASleepThatNobodyEnds) {
  coir::parking_spot spot;
  spot.prepare();
  auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(spot.park(coir::deadline::after(2ms)));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 2ms);
  spot.cancel();
  spot.prepare();
  EXPECT_FALSE(spot.park(coir::deadline(0)));
  spot.cancel();
}

TEST(Parking, ASleepThatWasCalledOffIsToldToNobody) {
  coir::parking_spot spot;
  spot.prepare();
  spot.cancel();
  EXPECT_FALSE(spot.notify());
}

TEST(Parking, TwoThreadsHandATokenToAndFro) {
  coir::parking_spot here;
  coir::parking_spot there;
  std::atomic<int> turn{0};
  constexpr int turns = 20'000;
  auto play = [&](coir::parking_spot& own, coir::parking_spot& other, int mine) {
    for (int i = mine; i < turns; i += 2) {
      while (turn != i) {
        own.prepare();
        if (turn != i) own.park(coir::deadline::never());
        own.cancel();
      }
      turn = i + 1;
      other.notify();
    }
  };
  std::thread partner([&] { play(there, here, 1); });
  play(here, there, 0);
  partner.join();
  EXPECT_EQ(turn, turns);
}

TEST(Parking, TheDescriptorIsReadableWhileThereIsACall) {
  coir::parking_spot spot;
  int fd = spot.descriptor();
  EXPECT_EQ(spot.descriptor(), fd);
  EXPECT_TRUE(readable(fd)) << "the loop is to look once before it sleeps";
  spot.notify();
  spot.cancel();
  EXPECT_FALSE(readable(fd));
  spot.prepare();
  EXPECT_FALSE(readable(fd));
  EXPECT_TRUE(spot.notify());
  EXPECT_TRUE(readable(fd));
  spot.cancel();
  EXPECT_FALSE(readable(fd));
}

TEST(Parking, AnIdleRuntimeOfSixteenWorkersUsesNoProcessor) {
  coir::runtime rt = coir::runtime::background({.workers = 16});
  for (int i = 0; i < 64; ++i) rt.spawn([] { coir::this_fiber::yield(); }).join();
  rt.post([] { coir::this_fiber::sleep_for(1h); });
  std::this_thread::sleep_for(50ms);  // those on their way to sleep
  auto before = cpu_time();
  std::this_thread::sleep_for(400ms);
  EXPECT_LT(cpu_time() - before, 40ms);
}

TEST(Parking, WorkersSleepWhileOneOfThemIsBusy) {
  // One fiber that computes costs one processor, and the fifteen others next to nothing.
  coir::runtime rt = coir::runtime::background({.workers = 16});
  auto busy = rt.spawn([] {
    auto before = cpu_time();
    auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < 300ms) {
    }
    return std::pair(cpu_time() - before, std::chrono::steady_clock::now() - start);
  });
  auto [cpu, wall] = busy.get();
  EXPECT_LT(cpu, wall + 60ms);
}

TEST(Parking, APostWakesASleepingWorkerEachTime) {
  coir::runtime rt = coir::runtime::background({.workers = 4});
  for (int i = 0; i < 2'000; ++i) EXPECT_EQ(rt.spawn([i] { return i; }).get(), i);
  EXPECT_GT(rt.stats().parks, 0U);
}

// A worker that is about to sleep looks round once more; a call that comes just then is answered,
// and the worker sleeps after all.
TEST(Parking, AWorkerThatWasCalledForNothingSleepsAgain) {
  coir::runtime rt = coir::runtime::background({.workers = 2});
  for (int i = 0; i < 100'000; ++i) rt.stop();
  bool at_rest = false;
  for (int look = 0; look < 50 && !at_rest; ++look) {
    auto before = cpu_time();
    std::this_thread::sleep_for(20ms);
    at_rest = cpu_time() - before < 5ms;
  }
  EXPECT_TRUE(at_rest) << "a worker keeps looking round";
}

}  // namespace
