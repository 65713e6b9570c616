// runtime_race_test.cpp - what orders two fibers, and what does not: a planted race is reported.
// SPDX-License-Identifier: BSL-1.0
#include <coir/config.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

// Two fibers on two workers at once, one of which writes what the other reads. The sanitizer can
// miss two accesses that fall together, so there are many.
void plant_races() {
  coir::run(
      [] {
        std::array<int, 100> shared{};
        for (int& one : shared) {
          std::atomic<int> met{0};
          auto both = [&](auto touch) {
            return coir::spawn([&met, touch] {
              // Relaxed: to meet, and to order nothing.
              met.fetch_add(1, std::memory_order_relaxed);
              while (met.load(std::memory_order_relaxed) < 2) {  // relaxed: likewise
              }
              touch();
            });
          };
          auto writer = both([&] { one = 1; });
          auto reader = both([&] { static_cast<void>(*const_cast<volatile int*>(&one)); });
          writer.join();
          reader.join();
        }
      },
      {.workers = 2});
}

// Whether the sanitizer reports a race in a process that has one. It looks away in a child of
// fork() that had threads, so that is a new program: this one, asked to plant a race.
bool race_reported() {
  int ends[2];
  if (pipe(ends) != 0) return false;
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    setenv("COIR_PLANT_A_RACE", "1", 1);
    execl("/proc/self/exe", "planted", "--gtest_filter=RuntimeRace.*", nullptr);
    _exit(1);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return text.find("data race") != std::string::npos;
}

TEST(RuntimeRace, APlantedOneIsReported) {
  if (std::getenv("COIR_PLANT_A_RACE") != nullptr) return plant_races();
  if (!COIR_TSAN) GTEST_SKIP() << "only ThreadSanitizer sees it";
  EXPECT_TRUE(race_reported());
}

// What follows writes without a lock where the contract orders; ThreadSanitizer would say so.

TEST(RuntimeOrder, ASpawnIsBeforeTheBodyAndItsEndBeforeTheJoin) {
  for (unsigned workers : {1U, 4U}) {
    coir::run(
        [] {
          for (int i = 0; i < 500; ++i) {
            int value = i;
            auto t = coir::spawn([&] { ++value; });
            if (i % 3 == 0) coir::this_fiber::yield();
            t.join();
            ASSERT_EQ(value, i + 1);
          }
        },
        {.workers = workers});
  }
}

TEST(RuntimeOrder, AChainOfFibersOverAllWorkersIsOrdered) {
  coir::run(
      [] {
        int value = 0;
        std::vector<coir::task<void>> chain;
        for (int i = 0; i < 300; ++i) {
          coir::task<void> before = chain.empty() ? coir::spawn([] {}) : chain.back();
          chain.push_back(coir::spawn([&value, before] {
            before.join();
            ++value;
          }));
        }
        chain.back().join();
        EXPECT_EQ(value, 300);
      },
      {.workers = 4});
}

TEST(RuntimeOrder, APostIsBeforeItsFiberAndTheEndOfARunAfterAllOfThem) {
  for (int round = 0; round < 50; ++round) {
    std::vector<int> values(20, 0);
    {
      coir::runtime rt = coir::runtime::background({.workers = 4});
      std::vector<coir::task<void>> tasks;
      for (int& value : values) {
        value = 1;
        tasks.push_back(rt.spawn([&value] {
          ++value;
          coir::this_fiber::yield();
          ++value;
        }));
      }
      for (auto& t : tasks) t.join();
    }
    for (int value : values) ASSERT_EQ(value, 3);
  }
}

TEST(RuntimeOrder, AFiberIsOrderedWithItselfOnWhateverWorkerItRuns) {
  coir::run(
      [] {
        std::vector<coir::task<int>> tasks;
        for (int i = 0; i < 40; ++i) {
          tasks.push_back(coir::spawn([] {
            int count = 0;
            for (; count < 300; ++count) coir::this_fiber::yield();
            return count;
          }));
        }
        for (auto& t : tasks) EXPECT_EQ(t.get(), 300);
      },
      {.workers = 4});
}

// Before main and after it: the library has no static that is not there yet, or gone already.
int answer_before_main = coir::run([] { return coir::spawn([] { return 42; }).get(); });
int default_before_main = coir::spawn([] { return 43; }).get();

struct after_main {
  ~after_main() {
    if (coir::run([] { return coir::spawn([] { return 1; }).get(); }) != 1) std::abort();
    if (coir::spawn([] { return 2; }).get() != 2) std::abort();
  }
};
// Made first, destroyed last.
[[gnu::init_priority(200)]] after_main last_words;

TEST(RuntimeStatics, FibersRunBeforeMainAndAfterIt) {
  EXPECT_EQ(answer_before_main, 42);
  EXPECT_EQ(default_before_main, 43);
}

}  // namespace
