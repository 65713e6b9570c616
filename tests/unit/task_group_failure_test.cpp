// task_group_failure_test.cpp - one failure ends a group, and all of them are told.
// SPDX-License-Identifier: BSL-1.0
#include <coir/task_group.hpp>

#include <coir/cancel.hpp>
#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::sleep_and_clean_up;
using coir_test::thrown_by;
using strings = std::vector<std::string>;

class TaskGroupFailureTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, TaskGroupFailureTest, coir_test::one_and_several_workers());

void fail_after(std::chrono::nanoseconds delay, const char* text) {
  sleep_for(delay);
  throw std::runtime_error(text);
}

// Fails because it is cancelled.
void fail_when_cancelled(const char* text) {
  try {
    coir_test::wait_for_cancellation();
  } catch (const coir::cancelled&) {
    throw std::runtime_error(text);
  }
}

// The texts of all errors of the group that `call` throws.
template <class Call>
strings errors_of(Call call) {
  strings texts;
  try {
    call();
  } catch (const coir::task_group_error& error) {
    for (auto& one : error.errors()) texts.push_back(coir_test::text_of(one));
  }
  return texts;
}

TEST_P(TaskGroupFailureTest, TheFirstFailureCancelsTheOthersWhoseEndIsWaitedFor) {
  run([] {
    auto start = coir_test::now();
    coir::task_group g;
    auto slow = g.spawn(sleep_and_clean_up, 5s);
    auto slower = g.spawn(sleep_and_clean_up, 6s);
    g.spawn(fail_after, 1s, "failed");
    EXPECT_EQ(errors_of([&] { g.join(); }), strings{"failed"});
    EXPECT_EQ(coir_test::now() - start, 7s);
    EXPECT_TRUE(slow.cancelled());
    EXPECT_TRUE(slower.cancelled());
  });
}

TEST_P(TaskGroupFailureTest, AllFailuresAreThereInTheOrderInWhichTheyHappened) {
  run([] {
    coir::task_group g;
    g.spawn([] {
      coir::uncancellable until_done;
      fail_after(3s, "third");
    });
    g.spawn(fail_after, 1s, "first");
    g.spawn([] {
      coir::uncancellable until_done;
      fail_after(2s, "second");
    });
    g.spawn([] { sleep_for(1h); });
    EXPECT_EQ(errors_of([&] { g.join(); }), (strings{"first", "second", "third"}));
  });
}

TEST_P(TaskGroupFailureTest, TheCauseStandsBeforeWhatFollowsFromIt) {
  from_everywhere([](coir::runtime&) {
    for (int round = 0; round < 50; ++round) {
      coir::task_group g;
      for (int i = 0; i < 8; ++i) g.spawn(fail_when_cancelled, "a consequence");
      g.spawn(fail_after, 0s, "the cause");
      strings errors = errors_of([&] { g.join(); });
      ASSERT_GE(errors.size(), 1U);
      EXPECT_EQ(errors[0], "the cause");
    }
  });
}

TEST_P(TaskGroupFailureTest, TheErrorTellsHowManyAndWhat) {
  run([] {
    coir::task_group g;
    g.spawn([] {
      coir::uncancellable until_done;
      sleep_for(2s);
      throw 42;
    });
    g.spawn(fail_after, 1s, "first");
    EXPECT_EQ(thrown_by([&] { g.join(); }),
              "2 tasks of a group failed; first; not a std::exception");
    coir::task_group alone;
    alone.spawn(fail_after, 1s, "only");
    EXPECT_EQ(thrown_by([&] { alone.join(); }), "1 task of a group failed; only");
  });
}

TEST_P(TaskGroupFailureTest, ASecondJoinTellsOfTheSame) {
  run([] {
    coir::task_group g;
    g.spawn(fail_after, 1s, "failed");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(errors_of([&] { g.join(); }), strings{"failed"});
  });
}

TEST_P(TaskGroupFailureTest, ACancelledTaskIsNoFailure) {
  run([] {
    coir::task_group g;
    auto gone = g.spawn([] { sleep_for(1h); });
    auto fine = g.spawn([] {
      sleep_for(5s);
      return 1;
    });
    sleep_for(1s);
    gone.cancel();
    g.spawn([] { throw coir::cancelled(); });
    g.join();
    EXPECT_TRUE(gone.cancelled());
    EXPECT_EQ(fine.get(), 1);
  });
}

TEST_P(TaskGroupFailureTest, ATaskThatFailedBeforeItWasAskedStillFails) {
  run([] {
    coir::task_group g;
    auto failing = g.spawn([] { throw std::runtime_error("seen already"); });
    EXPECT_EQ(thrown_by([&] { failing.get(); }), "seen already");
    EXPECT_EQ(errors_of([&] { g.join(); }), strings{"seen already"});
  });
}

TEST_P(TaskGroupFailureTest, AnErrorOfAnInnerGroupIsOneFailureOfTheOuter) {
  run([] {
    coir::task_group outer;
    auto other = outer.spawn([] { sleep_for(1h); });
    outer.spawn([] {
      coir::task_group inner;
      inner.spawn(fail_after, 1s, "deep");
      auto sibling = inner.spawn([] { sleep_for(1h); });
      try {
        inner.join();
      } catch (const coir::task_group_error&) {
        EXPECT_TRUE(sibling.cancelled());
        throw;
      }
    });
    EXPECT_EQ(errors_of([&] { outer.join(); }), strings{"1 task of a group failed; deep"});
    EXPECT_TRUE(other.cancelled());
  });
}

TEST_P(TaskGroupFailureTest, WhoIsCancelledInJoinCancelsTheTasksAndWaitsForThem) {
  run([] {
    auto start = coir_test::now();
    auto joining = coir::spawn([] {
      coir::task_group g;
      auto child = g.spawn(sleep_and_clean_up, 5s);
      EXPECT_EQ(thrown_by([&] { g.join(); }), "cancelled");
      EXPECT_TRUE(child.cancelled());
    });
    sleep_for(1s);
    joining.cancel();
    joining.get();
    EXPECT_EQ(coir_test::now() - start, 6s);
  });
}

TEST_P(TaskGroupFailureTest, ACancellationReachesTheTasksOfInnerGroups) {
  run([] {
    std::atomic<int> told{0};
    auto outer = coir::spawn([&] {
      coir::task_group g;
      for (int i = 0; i < 3; ++i)
        g.spawn([&] {
          coir::task_group inner;
          for (int n = 0; n < 3; ++n)
            inner.spawn([&] {
              try {
                sleep_for(1h);
              } catch (const coir::cancelled&) {
                ++told;
                throw;
              }
            });
          inner.join();
        });
      g.join();
    });
    sleep_for(1s);
    outer.cancel();
    EXPECT_EQ(thrown_by([&] { outer.get(); }), "cancelled");
    EXPECT_EQ(told, 9);
  });
}

TEST_P(TaskGroupFailureTest, WhoIsCancelledWhileHeHoldsAGroupCancelsItOnHisWayOut) {
  run([] {
    auto start = coir_test::now();
    auto holding = coir::spawn([] {
      coir::task_group g;
      g.spawn(sleep_and_clean_up, 5s);
      sleep_for(1h);
    });
    sleep_for(1s);
    holding.cancel();
    EXPECT_EQ(thrown_by([&] { holding.get(); }), "cancelled");
    EXPECT_EQ(coir_test::now() - start, 6s);
  });
}

TEST_P(TaskGroupFailureTest, AFailureInTheCourseOfACancellationIsThrownAndTheRequestStays) {
  run([] {
    auto joining = coir::spawn([] {
      coir::task_group g;
      g.spawn(fail_when_cancelled, "cleanup");
      EXPECT_EQ(errors_of([&] { g.join(); }), strings{"cleanup"});
      EXPECT_EQ(thrown_by([] { coir::this_fiber::yield(); }), "cancelled");
    });
    sleep_for(1s);
    joining.cancel();
    joining.get();
  });
}

// The request has come before join() is called: the failures that it leads to are told all the
// same.
TEST_P(TaskGroupFailureTest, ARequestThatCameBeforeJoinEndsTheTasksAndLosesNoFailure) {
  run([] {
    coir::event started;
    coir::event go;
    auto joining = coir::spawn([&] {
      coir::task_group g;
      g.spawn([&] {
        started.set();
        fail_when_cancelled("cleanup");
      });
      {
        coir::uncancellable for_now;
        go.wait();
      }
      EXPECT_EQ(errors_of([&] { g.join(); }), strings{"cleanup"});
      EXPECT_EQ(thrown_by([] { coir::this_fiber::yield(); }), "cancelled");
    });
    started.wait();
    sleep_for(1s);
    joining.cancel();
    go.set();
    joining.get();
  });
}

TEST_P(TaskGroupFailureTest, IfTheTasksGoOnNeverthelessSoDoesJoin) {
  run([] {
    auto joining = coir::spawn([] {
      coir::task_group g;
      g.spawn([] {
        try {
          sleep_for(1h);
        } catch (const coir::cancelled&) {
        }
      });
      std::string thrown = thrown_by([&] { g.join(); });
      if (thrown == "none") thrown = thrown_by([] { coir::this_fiber::yield(); });
      EXPECT_EQ(thrown, "cancelled") << "the request is not lost";
    });
    sleep_for(1s);
    joining.cancel();
    joining.get();
  });
}

// As with asyncio's group.
TEST_P(TaskGroupFailureTest, AGroupAsksEachOfItsTasksOnce) {
  run([] {
    auto start = coir_test::now();
    auto joining = coir::spawn([] {
      coir::task_group g;
      g.spawn(sleep_and_clean_up, 5s);
      g.join();
    });
    for (int i = 0; i < 3; ++i) {
      sleep_for(1s);
      joining.cancel();
    }
    EXPECT_EQ(thrown_by([&] { joining.get(); }), "cancelled");
    EXPECT_EQ(coir_test::now() - start, 6s);
  });
}

TEST_P(TaskGroupFailureTest, ATimeoutInJoinEndsTheTasksAndIsThrown) {
  run([] {
    auto start = coir_test::now();
    auto timed = [] {
      coir::task_group g;
      g.spawn(sleep_and_clean_up, 5s);
      g.join();
    };
    EXPECT_THROW(coir::with_timeout(1s, timed), coir::timed_out);
    EXPECT_EQ(coir_test::now() - start, 6s);
    EXPECT_THROW(
        {
          coir::timeout_scope scope(1s);
          timed();
        },
        coir::timed_out);
    EXPECT_EQ(coir_test::now() - start, 12s);
  });
}

TEST_P(TaskGroupFailureTest, TheGroupIsClosedWhenItsFirstTaskFails) {
  run([] {
    coir::task_group g;
    g.spawn(fail_after, 1s, "failed");
    g.spawn([&] {
      try {
        sleep_for(1h);
      } catch (const coir::cancelled&) {
        g.spawn([] { FAIL(); });
      }
    });
    strings errors = errors_of([&] { g.join(); });
    EXPECT_EQ(errors, (strings{"failed", "coir: a task is spawned into a group that is closing"}));
  });
}

}  // namespace
