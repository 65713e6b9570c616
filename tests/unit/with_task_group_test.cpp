// with_task_group_test.cpp - a function with a group: asyncio's `async with TaskGroup()`.
// SPDX-License-Identifier: BSL-1.0
#include <coir/task_group.hpp>

#include <coir/cancel.hpp>
#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::sleep_and_clean_up;
using coir_test::thrown_by;
using strings = std::vector<std::string>;

class WithTaskGroupTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, WithTaskGroupTest, coir_test::one_and_several_workers());

void fail_after(std::chrono::nanoseconds delay, const char* text) {
  sleep_for(delay);
  throw std::runtime_error(text);
}

// The texts of all errors of the group with that body; else what it throws.
template <class Body>
strings errors_of(Body body) {
  strings texts;
  try {
    coir::with_task_group(body);
  } catch (const coir::task_group_error& error) {
    for (auto& one : error.errors()) texts.push_back(coir_test::text_of(one));
  } catch (...) {
    texts.push_back("thrown: " + coir_test::text_of(std::current_exception()));
  }
  return texts;
}

TEST_P(WithTaskGroupTest, ItReturnsWhatTheBodyReturnsOnceTheTasksHaveEnded) {
  from_everywhere([](coir::runtime&) {
    std::atomic<int> ended{0};
    int result = coir::with_task_group([&](coir::task_group& g) {
      for (int i = 0; i < 10; ++i)
        g.spawn([&] {
          sleep_for(1s);
          ++ended;
        });
      return 5;
    });
    EXPECT_EQ(result, 5);
    EXPECT_EQ(ended, 10);
    auto owned = coir::with_task_group([](auto&) { return std::make_unique<int>(6); });
    EXPECT_EQ(*owned, 6);
    static_assert(std::is_void_v<decltype(coir::with_task_group([](coir::task_group&) {}))>);
  });
}

TEST_P(WithTaskGroupTest, ATaskThatFailsCancelsTheBody) {
  run([] {
    auto start = coir_test::now();
    bool told = false;
    EXPECT_EQ(errors_of([&](coir::task_group& g) {
                g.spawn(fail_after, 1s, "failed");
                try {
                  sleep_for(1h);
                } catch (const coir::cancelled&) {
                  told = true;
                  throw;
                }
              }),
              strings{"failed"});
    EXPECT_TRUE(told);
    EXPECT_EQ(coir_test::now() - start, 1s);
    coir::this_fiber::cancellation_point();
  });
}

TEST_P(WithTaskGroupTest, NothingElseCancelsTheBody) {
  run([] {
    coir::with_task_group([](coir::task_group& g) {
      g.spawn([] { throw coir::cancelled(); });
      auto gone = g.spawn([] { sleep_for(1h); });
      gone.cancel();
      g.cancel();
      sleep_for(1s);
    });
    EXPECT_EQ(errors_of([](coir::task_group& g) {
                g.spawn([] {
                  coir::uncancellable until_done;
                  fail_after(1h, "after the body");
                });
                sleep_for(1s);
              }),
              strings{"after the body"});
    sleep_for(1s);
  });
}

// The group was cancelled by the body itself, and yet a failure is a failure.
TEST_P(WithTaskGroupTest, ATaskThatFailsInTheCourseOfACancelOfTheGroupCancelsTheBodyToo) {
  run([] {
    auto start = coir_test::now();
    EXPECT_EQ(errors_of([](coir::task_group& g) {
                g.spawn([] {
                  coir::uncancellable until_done;
                  fail_after(2s, "late");
                });
                sleep_for(1s);
                g.cancel();
                sleep_for(1h);
              }),
              strings{"late"});
    EXPECT_EQ(coir_test::now() - start, 2s);
  });
}

TEST_P(WithTaskGroupTest, WhatTheBodyThrowsIsAnErrorOfTheGroupAndCancelsTheTasks) {
  from_everywhere([](coir::runtime&) {
    coir::task<void> child;
    EXPECT_EQ(errors_of([&](coir::task_group& g) {
                coir::event started;
                child = g.spawn([&] {
                  started.set();
                  coir_test::wait_for_cancellation();
                });
                started.wait();
                throw std::runtime_error("body");
              }),
              strings{"body"});
    EXPECT_TRUE(child.cancelled());
  });
}

TEST_P(WithTaskGroupTest, TheErrorOfTheBodyStandsWhereItHappened) {
  run([] {
    EXPECT_EQ(errors_of([](coir::task_group& g) {
                g.spawn([] {
                  coir::uncancellable until_done;
                  fail_after(1s, "before");
                });
                g.spawn([] {
                  coir::uncancellable until_done;
                  fail_after(3s, "after");
                });
                coir::uncancellable until_done;
                fail_after(2s, "body");
              }),
              (strings{"before", "body", "after"}));
  });
}

TEST_P(WithTaskGroupTest, ACancellationOfTheCallerPassesUnchanged) {
  run([] {
    auto start = coir_test::now();
    for (bool in_body : {true, false}) {
      auto calling = coir::spawn([=] {
        coir::with_task_group([=](coir::task_group& g) {
          g.spawn(sleep_and_clean_up, 5s);
          if (in_body) sleep_for(1h);
        });
      });
      sleep_for(1s);
      calling.cancel("why");
      try {
        calling.get();
        ADD_FAILURE() << "nothing thrown";
      } catch (const coir::cancelled& thrown) {
        EXPECT_EQ(thrown.message(), "why");
      }
    }
    EXPECT_EQ(coir_test::now() - start, 12s) << "the tasks have ended before";
  });
}

TEST_P(WithTaskGroupTest, ATimeoutAroundItPassesUnchanged) {
  run([] {
    for (bool in_body : {true, false}) {
      auto start = coir_test::now();
      coir::task<void> child;
      auto call = [&] {
        coir::with_task_group([&](coir::task_group& g) {
          child = g.spawn(sleep_and_clean_up, 5s);
          if (in_body) sleep_for(1h);
        });
      };
      EXPECT_THROW(coir::with_timeout(1s, call), coir::timed_out);
      EXPECT_TRUE(child.cancelled());
      auto scoped = [&] {
        coir::timeout_scope scope(1s);
        call();
      };
      EXPECT_THROW(scoped(), coir::timed_out);
      EXPECT_TRUE(child.cancelled());
      EXPECT_EQ(coir_test::now() - start, 12s);
      coir::this_fiber::cancellation_point();
    }
  });
}

TEST_P(WithTaskGroupTest, ATimeoutInTheBodyIsTheBodysOwn) {
  run([] {
    coir::with_task_group([](coir::task_group& g) {
      g.spawn([] { sleep_for(5s); });
      EXPECT_THROW(coir::with_timeout(1s, [] { sleep_for(1h); }), coir::timed_out);
      sleep_for(1s);
    });
    EXPECT_EQ(errors_of([](coir::task_group&) { coir::with_timeout(1s, [] { sleep_for(1h); }); }),
              strings{"timed out"});
    EXPECT_EQ(errors_of([](coir::task_group&) {
                coir::timeout_scope scope(1s);
                sleep_for(1h);
              }),
              strings{"timed out"});
    EXPECT_EQ(errors_of([](coir::task_group& g) {
                g.spawn([] { coir::with_timeout(1s, [] { sleep_for(1h); }); });
                sleep_for(1h);
              }),
              strings{"timed out"});
  });
}

TEST_P(WithTaskGroupTest, FailuresWinOverTheTimeoutThatLedToThem) {
  run([] {
    auto failing = [] {
      coir::with_task_group([](coir::task_group& g) {
        g.spawn([] {
          try {
            sleep_for(1h);
          } catch (const coir::cancelled&) {
            throw std::runtime_error("cleanup");
          }
        });
        sleep_for(1h);
      });
    };
    EXPECT_EQ(thrown_by([&] { coir::with_timeout(1s, failing); }),
              "1 task of a group failed; cleanup");
    EXPECT_EQ(thrown_by([&] {
                coir::timeout_scope scope(1s);
                failing();
              }),
              "1 task of a group failed; cleanup");
    coir::this_fiber::cancellation_point();
  });
}

// As asyncio's group, which asks its caller again.
TEST_P(WithTaskGroupTest, FailuresWinOverTheCancellationThatLedToThemWhichStays) {
  run([] {
    auto calling = coir::spawn([] {
      EXPECT_EQ(errors_of([](coir::task_group& g) {
                  g.spawn([] {
                    try {
                      sleep_for(1h);
                    } catch (const coir::cancelled&) {
                      throw std::runtime_error("cleanup");
                    }
                  });
                  sleep_for(1h);
                }),
                strings{"cleanup"});
      EXPECT_EQ(thrown_by([] { coir::this_fiber::yield(); }), "cancelled");
    });
    sleep_for(1s);
    calling.cancel();
    calling.get();
  });
}

// Else a loop of such groups would outlive everybody's patience.
TEST_P(WithTaskGroupTest, FailuresDoNotHideThatTheRuntimeEnds) {
  int turns = 0;
  run([&] {
    coir::spawn([&] {
      for (; turns < 3; ++turns) {
        try {
          coir::with_task_group([](coir::task_group& g) {
            g.spawn([] {
              try {
                coir_test::wait_for_cancellation();
              } catch (const coir::cancelled&) {
                throw std::runtime_error("cleanup");
              }
            });
            coir_test::wait_for_cancellation();
          });
        } catch (const coir::task_group_error&) {
        }
      }
    });
    sleep_for(1s);
  });
  EXPECT_EQ(turns, 1);
}

TEST_P(WithTaskGroupTest, ABodyThatSwallowsItsCancellationGoesOn) {
  run([] {
    bool went_on = false;
    EXPECT_EQ(errors_of([&](coir::task_group& g) {
                g.spawn(fail_after, 1s, "failed");
                try {
                  sleep_for(1h);
                } catch (const coir::cancelled&) {
                }
                sleep_for(1s);
                went_on = true;
              }),
              strings{"failed"});
    EXPECT_TRUE(went_on);
  });
}

TEST_P(WithTaskGroupTest, TheyNestAndEachBodyIsCancelledByItsOwnTasks) {
  run([] {
    strings inner_errors;
    bool outer_went_on = false;
    coir::with_task_group([&](coir::task_group& outer) {
      auto sibling = outer.spawn([] { sleep_for(10s); });
      inner_errors = errors_of([&](coir::task_group& inner) {
        inner.spawn(fail_after, 1s, "inner");
        sleep_for(1h);
      });
      sleep_for(1s);
      outer_went_on = !sibling.done();
    });
    EXPECT_EQ(inner_errors, strings{"inner"});
    EXPECT_TRUE(outer_went_on);

    coir::task<void> child;
    EXPECT_EQ(errors_of([&](coir::task_group& outer) {
                outer.spawn(fail_after, 1s, "outer");
                coir::with_task_group([&](coir::task_group& inner) {
                  child = inner.spawn([] { sleep_for(1h); });
                  sleep_for(1h);
                });
              }),
              strings{"outer"});
    EXPECT_TRUE(child.cancelled());
  });
}

TEST_P(WithTaskGroupTest, ABodyThatTakesACancelledTaskIsCancelledByThat) {
  run([] {
    coir::task<void> other;
    EXPECT_EQ(errors_of([&](coir::task_group& g) {
                other = g.spawn([] { sleep_for(1h); });
                auto gone = g.spawn([] { throw coir::cancelled(); });
                gone.get();
              }),
              strings{"thrown: cancelled"});
    EXPECT_TRUE(other.cancelled());
  });
}

TEST_P(WithTaskGroupTest, TheTasksOfABodyMayRaceItsEnd) {
  from_everywhere([](coir::runtime&) {
    for (int round = 0; round < 200; ++round) {
      strings errors = errors_of([&](coir::task_group& g) {
        g.spawn([] { throw std::runtime_error("fast"); });
        if (round % 2 == 0) coir::this_fiber::yield();
      });
      EXPECT_EQ(errors, strings{"fast"});
    }
  });
}

}  // namespace
