// task_group_test.cpp - tasks that do not outlive a block.
// SPDX-License-Identifier: BSL-1.0
#include <coir/task_group.hpp>

#include <coir/cancel.hpp>
#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::thrown_by;

class TaskGroupTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, TaskGroupTest, coir_test::one_and_several_workers());

TEST_P(TaskGroupTest, JoinWaitsForAll) {
  from_everywhere([](coir::runtime&) {
    std::atomic<int> ended{0};
    coir::task_group g;
    for (int i = 0; i < 100; ++i)
      g.spawn([&, i] {
        sleep_for(1ms * (i % 10));
        ++ended;
      });
    g.join();
    EXPECT_EQ(ended, 100);
  });
}

TEST_P(TaskGroupTest, WhatSpawnReturnsIsATaskLikeAnyOther) {
  run([] {
    coir::task_group g;
    auto number = g.spawn([](int a, int b) { return a + b; }, 1, 2);
    auto owned = g.spawn(
        {.name = "owner"}, [](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(4));
    EXPECT_EQ(owned.name(), "owner");
    EXPECT_EQ(number.get(), 3);
    g.join();
    EXPECT_EQ(**&owned.get(), 4);
  });
}

TEST_P(TaskGroupTest, AGroupWithoutTasksHasEnded) {
  auto empty = [] {
    { coir::task_group unused; }
    coir::task_group g;
    g.join();
    g.join();
    g.cancel();
  };
  empty();
  run(empty);
}

TEST_P(TaskGroupTest, TheDestructorWaits) {
  from_everywhere([](coir::runtime&) {
    std::atomic<int> ended{0};
    {
      coir::task_group g;
      for (int i = 0; i < 10; ++i)
        g.spawn([&] {
          sleep_for(1s);
          ++ended;
        });
    }
    EXPECT_EQ(ended, 10) << "and cancels nothing";
  });
}

TEST_P(TaskGroupTest, InTheCourseOfAnExceptionTheDestructorCancelsFirst) {
  from_everywhere([](coir::runtime&) {
    std::atomic<int> cancelled{0};
    auto throwing = [&] {
      coir::task_group g;
      coir::event started;
      for (int i = 0; i < 10; ++i)
        g.spawn([&, i] {
          if (i == 9) started.set();
          try {
            coir_test::wait_for_cancellation();
          } catch (const coir::cancelled&) {
            ++cancelled;
            throw;
          }
        });
      started.wait();
      throw std::runtime_error("passing by");
    };
    EXPECT_EQ(thrown_by(throwing), "passing by");
    EXPECT_GE(cancelled, 1);
  });
}

TEST_P(TaskGroupTest, AGroupMadeWhileTheStackUnwindsIsNotCancelledForThat) {
  struct at_exit {
    std::atomic<int>& ended;
    ~at_exit() {
      coir::task_group g;
      g.spawn([this] {
        sleep_for(1s);
        ++ended;
      });
      g.join();
    }
  };
  run([] {
    std::atomic<int> ended{0};
    EXPECT_EQ(thrown_by([&] {
                at_exit last{ended};
                throw std::runtime_error("passing by");
              }),
              "passing by");
    EXPECT_EQ(ended, 1);
  });
}

TEST_P(TaskGroupTest, FailuresThatNoJoinHasThrownAreReported) {
  run([] {
    coir::task_group g;
    g.spawn([] { throw std::runtime_error("lost"); });
  });
  EXPECT_EQ(take_unhandled(), std::vector<std::string>{"lost"});
}

TEST_P(TaskGroupTest, AGroupThatHasEndedTakesNoMoreTasks) {
  run([] {
    coir::task_group g;
    g.spawn([] {});
    g.join();
    EXPECT_EQ(thrown_by([&] { g.spawn([] { FAIL(); }); }),
              "coir: a task is spawned into a group that has ended");
    coir::task_group cancelled;
    cancelled.cancel();
    EXPECT_EQ(thrown_by([&] { cancelled.spawn([] { FAIL(); }); }),
              "coir: a task is spawned into a group that is closing");
    cancelled.join();
  });
}

TEST_P(TaskGroupTest, AGroupWithAFailedTaskTakesNoMoreTasks) {
  run([] {
    coir::task_group g;
    auto failing = g.spawn([] { throw std::runtime_error("failed"); });
    coir_test::until([&] { return failing.done(); });
    auto slow = [] { sleep_for(1h); };
    // With several workers the group may hear of the end a little later than we do.
    coir_test::until([&] { return thrown_by([&] { g.spawn(slow); }) != "none"; });
    EXPECT_THROW(g.join(), coir::task_group_error);
    EXPECT_THROW(g.spawn(slow), std::logic_error);
  });
}

TEST_P(TaskGroupTest, TasksHelpersAndThreadsSpawnIntoAGroupThatIsJoined) {
  from_everywhere([](coir::runtime& rt) {
    std::atomic<int> ended{0};
    coir::task_group g;
    std::function<void(int)> tree = [&](int depth) {
      if (depth > 0) {
        g.spawn(tree, depth - 1);
        g.spawn(tree, depth - 1);
      }
      ++ended;
    };
    coir::event opened;
    g.spawn([&] { opened.wait(); });
    auto helper = rt.spawn([&] { g.spawn(tree, 4); });
    std::thread thread([&] {
      g.spawn(tree, 4);
      helper.join();
      opened.set();
    });
    g.spawn(tree, 4);
    g.join();
    EXPECT_EQ(ended, 3 * 31);
    thread.join();
  });
}

TEST_P(TaskGroupTest, GroupsNest) {
  run([] {
    std::atomic<int> ended{0};
    coir::task_group outer;
    for (int i = 0; i < 10; ++i)
      outer.spawn([&] {
        coir::task_group inner;
        for (int n = 0; n < 10; ++n)
          inner.spawn([&] {
            coir::this_fiber::yield();
            ++ended;
          });
        inner.join();
      });
    outer.join();
    EXPECT_EQ(ended, 100);
  });
}

TEST_P(TaskGroupTest, ATaskCannotWaitForTheEndOfItsOwnGroup) {
  run([] {
    coir::task_group g;
    bool refused = false;
    g.spawn([&] {
      try {
        g.join();
      } catch (const std::system_error& error) {
        refused = error.code() == std::errc::resource_deadlock_would_occur;
      }
    });
    g.join();
    EXPECT_TRUE(refused);
  });
}

TEST_P(TaskGroupTest, SeveralMayJoinAtATime) {
  from_everywhere([](coir::runtime& rt) {
    coir::task_group g;
    coir::event opened;
    g.spawn([&] { opened.wait(); });
    std::vector<coir::task<void>> joining;
    for (int i = 0; i < 5; ++i) joining.push_back(rt.spawn([&] { g.join(); }));
    std::thread thread([&] { g.join(); });
    rt.spawn([&] {
        for (int i = 0; i < 100; ++i) coir::this_fiber::yield();
        opened.set();
      }).get();
    g.join();
    for (auto& t : joining) t.get();
    thread.join();
  });
}

TEST_P(TaskGroupTest, CancelEndsAllButTheCaller) {
  run([] {
    std::atomic<int> told{0};
    coir::task_group g;
    for (int i = 0; i < 10; ++i)
      g.spawn([&] {
        try {
          sleep_for(1h);
        } catch (const coir::cancelled&) {
          ++told;
          throw;
        }
      });
    sleep_for(1s);
    g.cancel();
    g.cancel();
    coir::this_fiber::cancellation_point();
    g.join();
    EXPECT_EQ(told, 10) << "each is told once";
  });
}

TEST_P(TaskGroupTest, ATaskMayCancelItsGroup) {
  run([] {
    coir::task_group g;
    bool told = false;
    g.spawn([&] {
      g.cancel();
      told = thrown_by([] { coir::this_fiber::yield(); }) == "cancelled";
    });
    auto other = g.spawn([] { sleep_for(1h); });
    g.join();
    EXPECT_TRUE(told);
    EXPECT_TRUE(other.cancelled());
  });
}

TEST_P(TaskGroupTest, AThreadMayCancelWhileTheGroupIsJoined) {
  from_everywhere([](coir::runtime&) {
    for (int round = 0; round < 20; ++round) {
      coir::task_group g;
      coir::event running;
      for (int i = 0; i < 20; ++i)
        g.spawn([&] {
          running.set();
          coir_test::wait_for_cancellation();
        });
      std::thread thread([&] {
        running.wait();
        g.cancel();
      });
      g.join();
      thread.join();
    }
  });
}

TEST_P(TaskGroupTest, ATaskThatSwallowsItsCancellationIsWaitedFor) {
  run([] {
    auto start = coir_test::now();
    coir::task_group g;
    auto stubborn = g.spawn([] {
      try {
        sleep_for(1h);
      } catch (const coir::cancelled&) {
      }
      sleep_for(5s);
      return 7;
    });
    sleep_for(1s);
    g.cancel();
    g.join();
    EXPECT_EQ(coir_test::now() - start, 6s);
    EXPECT_EQ(stubborn.get(), 7);
  });
}

// A group that is fed for ever gives back what has ended.
TEST_P(TaskGroupTest, ResultsNobodyWantsAreNotKeptUntilTheEnd) {
  run([] {
    auto token = std::make_shared<int>(0);
    coir::task_group g;
    long most = 0;
    for (int i = 0; i < 1'000; ++i) {
      g.spawn([token] { return token; }).join();
      most = std::max(most, token.use_count());
    }
    EXPECT_LT(most, 500);
    g.join();
    EXPECT_LT(token.use_count(), 500);
  });
}

TEST_P(TaskGroupTest, AnArgumentThatCannotBeCopiedLeavesTheGroupAsItWas) {
  struct fragile {
    fragile() = default;
    fragile(const fragile&) { throw std::runtime_error("no copy"); }
  };
  run([] {
    coir::task_group g;
    fragile argument;
    EXPECT_EQ(thrown_by([&] { g.spawn([](const fragile&) {}, argument); }), "no copy");
    EXPECT_THROW(g.spawn({.stack_size = SIZE_MAX / 2}, [] {}), std::invalid_argument);
    g.spawn([] {});
    g.join();
  });
}

TEST_P(TaskGroupTest, TenThousandTasks) {
  run([] {
    std::atomic<int> ended{0};
    coir::task_group g;
    for (int i = 0; i < 10'000; ++i) g.spawn([&] { ++ended; });
    g.join();
    EXPECT_EQ(ended, 10'000);
    coir::task_group stopped;
    for (int i = 0; i < 10'000; ++i) stopped.spawn([] { sleep_for(1h); });
    sleep_for(1s);
    stopped.cancel();
    stopped.join();
  });
}

TEST_P(TaskGroupTest, ARuntimeThatEndsTakesItsGroupsWithIt) {
  std::atomic<int> told{0};
  run([&] {
    coir::spawn([&] {
      coir::task_group g;
      for (int i = 0; i < 5; ++i)
        g.spawn([&] {
          try {
            coir_test::wait_for_cancellation();
          } catch (const coir::cancelled&) {
            ++told;
            throw;
          }
        });
      g.join();
    });
    sleep_for(1s);
  });
  EXPECT_EQ(told, 5);
}

}  // namespace
