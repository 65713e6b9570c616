// fork_test.cpp - what a child process finds of its parent's runtimes, and what it can do itself.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/config.hpp>
#include <coir/event.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;

// Runs `body` in a child process; what it returned. A child that hangs is ended by an alarm.
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

// 0 if `call` is refused as the contract says.
template <class Call>
int refused(Call call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code() == std::errc::operation_not_permitted ? 0 : 2;
  } catch (...) {
    return 3;
  }
  return 1;
}

int runs_fibers(unsigned workers) {
  int sum = coir::run(
      [] {
        int total = 0;
        std::vector<coir::task<int>> tasks;
        for (int i = 0; i < 50; ++i) {
          tasks.push_back(coir::spawn([i] {
            coir::this_fiber::sleep_for(1us);
            return i;
          }));
        }
        for (auto& t : tasks) total += t.get();
        return total;
      },
      {.workers = workers});
  return sum == 49 * 50 / 2 ? 0 : 10;
}

class ForkTest : public testing::TestWithParam<unsigned> {
 protected:
  // ThreadSanitizer does not let a child have threads where its parent had some, nor does
  // qemu-user.
  static bool child_may_have_workers() {
    return !(COIR_TSAN || COIR_TEST_EMULATED) || GetParam() == 1;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, ForkTest, testing::Values(1U, 4U));

// Until each of the workers has run a fiber. A thread that is just starting may hold a lock of the
// checker's, which a child would find taken for ever.
void until_all_run(coir::runtime& rt, unsigned workers) {
  std::atomic<unsigned> running{0};
  std::vector<coir::task<void>> all;
  for (unsigned i = 0; i < workers; ++i) {
    all.push_back(rt.spawn([&] {
      ++running;
      while (running < workers) {
      }
    }));
  }
  for (auto& t : all) t.join();
}

TEST_P(ForkTest, AChildMakesARuntimeOfItsOwn) {
  if (!child_may_have_workers()) GTEST_SKIP() << "a child may not have threads here";
  coir::runtime parents = coir::runtime::background({.workers = GetParam()});
  until_all_run(parents, GetParam());
  EXPECT_EQ(in_child([] { return runs_fibers(GetParam()); }), 0);
  EXPECT_EQ(parents.spawn([] { return 5; }).get(), 5);
}

TEST_P(ForkTest, ARuntimeOfTheParentRefusesToWorkInTheChild) {
  coir::runtime rt = coir::runtime::background({.workers = GetParam()});
  until_all_run(rt, GetParam());
  EXPECT_EQ(in_child([&] { return refused([&] { rt.post([] {}); }); }), 0);
  EXPECT_EQ(in_child([&] { return refused([&] { rt.spawn([] {}).join(); }); }), 0);
  EXPECT_EQ(in_child([&] { return refused([&] { rt.run_until_complete([] {}); }); }), 0);
  EXPECT_EQ(in_child([&] { return refused([&] { rt.run_forever(); }); }), 0);
  EXPECT_EQ(in_child([&] { return refused([&] { rt.run_ready(); }); }), 0);
  EXPECT_EQ(in_child([&] { return refused([&] { rt.wait_fd(); }); }), 0);
  EXPECT_EQ(in_child([&] { return refused([&] { rt.next_deadline(); }); }), 0);
  EXPECT_EQ(in_child([&] { return refused([&] { rt.stats(); }); }), 0);
}

TEST_P(ForkTest, DestroyingARuntimeOfTheParentDoesNotHangTheChild) {
  auto rt = std::make_unique<coir::runtime>(coir::runtime::background({.workers = GetParam()}));
  until_all_run(*rt, GetParam());
  rt->post([] { coir::this_fiber::sleep_for(1h); });
  EXPECT_EQ(in_child([&] {
              rt.reset();
              return 0;
            }),
            0);
}

TEST_P(ForkTest, AFiberThatForksFindsNoRuntimeInTheChild) {
  if (!child_may_have_workers()) GTEST_SKIP() << "a child may not have threads here";
  int status = coir::run(
      [] {
        until_all_run(*coir::runtime::current(), GetParam());
        return in_child([] {
          if (coir::runtime::current() != nullptr) return 1;
          coir::this_fiber::yield();
          coir::this_fiber::sleep_for(1us);
          coir::this_fiber::cancellation_point();
          return runs_fibers(GetParam());
        });
      },
      {.workers = GetParam()});
  EXPECT_EQ(status, 0);
}

TEST_P(ForkTest, AFiberThatForksGoesOnInTheParent) {
  coir::run(
      [] {
        std::atomic<int> ran{0};
        for (int i = 0; i < 10; ++i) {
          coir::spawn([&] {
            coir::this_fiber::sleep_for(1us);
            ++ran;
          });
        }
        EXPECT_EQ(in_child([] { return 0; }), 0);
        while (ran < 10) coir::this_fiber::yield();
        EXPECT_NE(coir::runtime::current(), nullptr);
      },
      {.workers = GetParam()});
}

TEST_P(ForkTest, AChildForkedAmidABusyRuntimeWorksAllTheSame) {
  if (COIR_ASAN || COIR_TSAN || COIR_TEST_EMULATED)
    GTEST_SKIP() << "a child may find a lock of the checker's or the emulator's taken";
  coir::runtime rt = coir::runtime::background({.workers = GetParam()});
  std::atomic<bool> end{false};
  for (int i = 0; i < 8; ++i) {
    rt.post([&] {
      while (!end) {
        auto t = coir::spawn({.name = "busy", .stack_size = 128 * 1024},
                             [] { coir::this_fiber::yield(); });
        t.join();
      }
    });
  }
  for (int i = 0; i < 20; ++i) ASSERT_EQ(in_child([] { return runs_fibers(GetParam()); }), 0) << i;
  end = true;
}

// Each thread takes stacks and control blocks from what all share, and gives them back at its end.
TEST(Fork, AChildFindsNothingLockedByThreadsThatWereAmidIt) {
  if (COIR_ASAN || COIR_TSAN || COIR_TEST_EMULATED)
    GTEST_SKIP() << "a child may find a lock of the checker's or the emulator's taken";
  coir::run([] {});  // what is made once in a process is there
  std::atomic<bool> end{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i)
    others.emplace_back([&] {
      while (!end) std::thread([] { coir::run([] { coir::spawn([] {}).join(); }); }).join();
    });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(in_child([] { return runs_fibers(1); }), 0) << i;
  end = true;
  for (std::thread& one : others) one.join();
}

using ForkDeadlock = coir_test::deadlock_test;

TEST_F(ForkDeadlock, ADeadlockIsFoundInAChildThoughThreadsOfTheParentSleepLeftBehind) {
  coir::event never;
  coir::runtime rt = coir::runtime::background();
  auto sleeper = rt.spawn([&] { never.wait(); });
  std::thread waits([&] { sleeper.join(); });
  // Until both sleep for good, or nearly: the child is right either way.
  while (rt.stats().parks == 0) std::this_thread::yield();
  std::this_thread::sleep_for(20ms);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(in_child([] {
                coir::event childs;
                try {
                  coir::run([&] { childs.wait(); });
                } catch (const coir::deadlock&) {
                  return 0;
                }
                return 1;
              }),
              0);
  }
  sleeper.cancel();
  waits.join();
}

TEST(Fork, TheChildHasADefaultRuntimeOfItsOwn) {
  if (COIR_TSAN || COIR_TEST_EMULATED) GTEST_SKIP() << "a child may not have threads here";
  coir::spawn([] {}).join();
  EXPECT_EQ(in_child([] { return coir::spawn([] { return 0; }).get(); }), 0);
  EXPECT_EQ(coir::spawn([] { return 7; }).get(), 7);
}

}  // namespace
