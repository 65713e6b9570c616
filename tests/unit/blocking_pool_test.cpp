// blocking_pool_test.cpp - the threads that make blocking calls, and what waits for them.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/config.hpp>
#include <coir/event.hpp>
#include <coir/run_blocking.hpp>
#include <coir/runtime.hpp>
#include <coir/testing.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <dirent.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/workers.hpp"
#include "task/blocking_pool.hpp"

namespace {

using namespace std::chrono_literals;
using coir::run_blocking;
using coir::spawn_blocking;

constexpr const char* name_on_pool = "coir-blocking";

// A checker's or an emulator's own threads.
constexpr bool others_about = COIR_TSAN || COIR_TEST_EMULATED;

unsigned most_threads() {
  return coir::blocking_pool::instance().most_threads();
}

// Whether a thread of the pool sleeps.
bool pool_sleeps() {
  bool sleeps = false;
  DIR* tasks = opendir("/proc/self/task");
  while (const dirent* entry = readdir(tasks)) {
    std::string folder = std::string("/proc/self/task/") + entry->d_name;
    std::string line;
    if (!std::getline(std::ifstream(folder + "/comm"), line) || line != name_on_pool) continue;
    std::ifstream status(folder + "/status");
    while (std::getline(status, line))
      if (line.starts_with("State:") && line.find('S', 6) != std::string::npos) sleeps = true;
  }
  closedir(tasks);
  return sleeps;
}

int in_child(const std::function<int()>& body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// No thread can be made while this lives.
class no_threads {
 public:
  no_threads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << (sizeof(void*) == 8 ? 47 : 31));
    pthread_setattr_default_np(&huge);
    pthread_attr_destroy(&huge);
  }
  ~no_threads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  no_threads(const no_threads&) = delete;
  no_threads& operator=(const no_threads&) = delete;

 private:
  pthread_attr_t before_;
};

class BlockingPoolTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, BlockingPoolTest, coir_test::one_and_four_workers());

TEST_P(BlockingPoolTest, AThousandAtOnceAreAllMadeByNoMoreThreadsThanThereMayBe) {
  constexpr int calls = 1000;
  std::atomic<unsigned> inside{0};
  std::atomic<unsigned> most{0};
  run([&] {
    std::vector<coir::task<int>> all;
    for (int i = 0; i < calls; ++i) {
      all.push_back(spawn_blocking([&, i] {
        unsigned now = ++inside;
        for (unsigned seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        --inside;
        return i;
      }));
    }
    for (int i = 0; i < calls; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].get(), i);
  });
  EXPECT_LE(most, most_threads());
}

TEST_P(BlockingPoolTest, AsManyAsThereMayBeAreUnderWayAtOnce) {
  std::atomic<unsigned> inside{0};
  run([&] {
    std::vector<coir::task<void>> all;
    for (unsigned i = 0; i < most_threads(); ++i) {
      all.push_back(spawn_blocking([&] {
        ++inside;
        while (inside < most_threads()) std::this_thread::yield();
      }));
    }
    for (auto& t : all) t.get();
  });
}

TEST_P(BlockingPoolTest, AnIdleThreadIsUsedAgain) {
  run([] {
    std::vector<std::thread::id> seen;
    for (int i = 0; i < 200; ++i)
      seen.push_back(run_blocking([] { return std::this_thread::get_id(); }));
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    EXPECT_LT(seen.size(), 100U);
  });
}

TEST_P(BlockingPoolTest, TheVirtualClockStandsStillMeanwhile) {
  coir::testing::virtual_time clock;
  std::promise<void> go;
  run([&] {
    auto sleeper = coir::spawn([] { coir::this_fiber::sleep_for(1h); });
    auto t = spawn_blocking([&] {
      // Until everyone has parked, and then some.
      std::this_thread::sleep_for(20ms);
      return clock.elapsed();
    });
    EXPECT_EQ(t.get(), 0ns);
    EXPECT_EQ(clock.elapsed(), 0ns);
    sleeper.join();
    EXPECT_EQ(clock.elapsed(), 1h);
  });
}

TEST_P(BlockingPoolTest, ACallThatWaitsForAFiberThatSleepsLetsTheVirtualClockGoOn) {
  if (others_about) GTEST_SKIP() << "one of their threads might wake it, for all the library knows";
  coir::testing::virtual_time clock;
  run([&] {
    coir::event later;
    auto sleeper = coir::spawn([&] {
      coir::this_fiber::sleep_for(1h);
      later.set();
    });
    run_blocking([&] { later.wait(); });
    EXPECT_EQ(clock.elapsed(), 1h);
    sleeper.join();
  });
}

TEST(BlockingPool, WhileACallIsMadeThereIsNoDeadlockAndIdleThreadsDoNotHideOne) {
  if (others_about) GTEST_SKIP() << "one of their threads might end it, for all the library knows";
  for (unsigned workers : {1U, 4U}) {
    coir::event never;
    EXPECT_THROW(coir::run(
                     [&] {
                       // Longer than a deadlock is suspected.
                       run_blocking([] { std::this_thread::sleep_for(150ms); });
                       while (!pool_sleeps()) std::this_thread::yield();
                       never.wait();
                     },
                     {.workers = workers}),
                 coir::deadlock);
  }
}

TEST(BlockingPool, ACallThatIsStuckGoesOnWhenTheDeadlockIsResolvedByAnother) {
  if (others_about) GTEST_SKIP() << "one of their threads might end it, for all the library knows";
  coir::run([&] {
    coir::event never;
    coir::event done;
    auto other = coir::spawn([&] {
      try {
        never.wait();
      } catch (const coir::deadlock&) {
        done.set();
      }
    });
    run_blocking([&] { done.wait(); });
    other.join();
  });
}

TEST_P(BlockingPoolTest, AChildOfForkHasAPoolOfItsOwn) {
  if (COIR_TSAN || COIR_TEST_EMULATED) GTEST_SKIP() << "a child may not have threads here";
  run([] { run_blocking([] {}); });
  EXPECT_EQ(in_child([&] { return run([] { return run_blocking([] { return 5; }); }); }), 5);
}

TEST_P(BlockingPoolTest, WhereNoThreadCanBeMadeTheErrorIsThrownUnlessThereIsOneAlready) {
  if (COIR_TSAN || COIR_TEST_EMULATED) GTEST_SKIP() << "a child may not have threads here";
  EXPECT_EQ(in_child([&] {
              return run([] {
                {
                  no_threads here;
                  bool refused = false;
                  try {
                    run_blocking([] {});
                  } catch (const std::system_error&) {
                    refused = true;
                  }
                  if (!refused) return 1;
                }
                run_blocking([] {});
                no_threads here;
                std::promise<void> go;
                auto first = spawn_blocking([&] { go.get_future().wait(); });
                auto second = spawn_blocking([] { return 0; });
                for (int i = 0; i < 100; ++i) coir::this_fiber::yield();
                if (second.done()) return 2;
                go.set_value();
                first.get();
                return second.get();
              });
            }),
            0);
}

}  // namespace
