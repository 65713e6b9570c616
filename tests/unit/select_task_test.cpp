// select_task_test.cpp - a select that waits for the end of a task, or for a request to stop.
// SPDX-License-Identifier: BSL-1.0
#include <coir/select.hpp>

#include <coir/cancel.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::thrown_by;

class SelectTaskTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, SelectTaskTest, coir_test::one_and_several_workers());

coir::task<int> returning_after(std::chrono::nanoseconds delay, int result = 0) {
  return coir::spawn([=] {
    sleep_for(delay);
    return result;
  });
}

TEST_P(SelectTaskTest, TheTaskThatEndsFirstWins) {
  run([] {
    auto start = coir_test::now();
    auto slow = returning_after(5s);
    auto fast = returning_after(2s, 7);
    int result = 0;
    EXPECT_EQ(coir::select(coir::on_task(slow, [](auto&) { FAIL(); }),
                           coir::on_task(fast, [&](auto& t) { result = t.get(); })),
              1U);
    EXPECT_EQ(result, 7);
    EXPECT_EQ(coir_test::now() - start, 2s);
    EXPECT_FALSE(slow.done()) << "a case that lost has no effect";
    EXPECT_EQ(coir::select(coir::on_task(slow)), 0U);
    EXPECT_EQ(coir_test::now() - start, 5s);
  });
}

TEST_P(SelectTaskTest, ATaskThatHasEndedIsReadyAsOftenAsItIsAsked) {
  run([] {
    auto done = coir::spawn([] { return 1; });
    done.join();
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(coir::select(coir::on_task(done), coir::otherwise()), 0U);
      EXPECT_EQ(coir::select(coir::on_task(done), coir::on_timeout(0s)), 0U);
    }
    auto pending = returning_after(1s);
    EXPECT_EQ(coir::select(coir::on_task(pending), coir::otherwise()), 1U);
    EXPECT_EQ(coir::select(coir::on_task(pending), coir::on_timeout(500ms)), 1U);
    EXPECT_EQ(coir::select(coir::on_task(pending), coir::on_timeout(501ms)), 0U);
  });
}

TEST_P(SelectTaskTest, AFailureIsAnEndLikeAnyAndComesOutOfGetOnly) {
  run([] {
    auto failing = coir::spawn([]() -> int {
      sleep_for(1s);
      throw std::runtime_error("failed");
    });
    auto selecting = [&] {
      coir::select(coir::on_task(failing, [](coir::task<int>& t) { t.get(); }));
    };
    EXPECT_EQ(thrown_by(selecting), "failed");
    auto gone = returning_after(1h);
    gone.cancel();
    EXPECT_EQ(coir::select(coir::on_task(gone)), 0U);
    EXPECT_TRUE(gone.cancelled());
  });
}

TEST_P(SelectTaskTest, AFailureThatOnlySelectHasSeenIsReported) {
  run([] {
    auto failing = coir::spawn([] { throw std::runtime_error("unseen"); });
    EXPECT_EQ(coir::select(coir::on_task(std::move(failing))), 0U);
  });
  EXPECT_EQ(take_unhandled(), std::vector<std::string>{"unseen"});
}

TEST_P(SelectTaskTest, ATaskIsNotStartedByIt) {
  if (!one_worker()) GTEST_SKIP() << "with more workers they run at the same time";
  run([] {
    std::string trace;
    auto a = coir::spawn([&] { trace += 'a'; });
    auto b = coir::spawn([&] { trace += 'b'; });
    EXPECT_EQ(coir::select(coir::on_task(b), coir::otherwise()), 1U);
    EXPECT_EQ(trace, "");
    coir::select(coir::on_task(b));
    EXPECT_EQ(trace, "ab");
  });
}

TEST_P(SelectTaskTest, CancellingTheWaiterLeavesTheTaskAlone) {
  run([] {
    auto t = returning_after(1min, 4);
    auto selecting = coir::spawn([=] { coir::select(coir::on_task(t, [](auto&) { FAIL(); })); });
    sleep_for(1s);
    selecting.cancel();
    EXPECT_EQ(thrown_by([&] { selecting.get(); }), "cancelled");
    EXPECT_THROW(coir::with_timeout(1s, [&] { coir::select(coir::on_task(t)); }), coir::timed_out);
    EXPECT_EQ(t.get(), 4);
  });
}

TEST_P(SelectTaskTest, AHandleWithoutATaskIsRefused) {
  run([] { EXPECT_THROW(static_cast<void>(coir::on_task(coir::task<int>())), std::logic_error); });
}

TEST_P(SelectTaskTest, TheSameTaskMayStandInSeveralCasesAndBeJoinedBesides) {
  run([] {
    auto t = returning_after(1s, 3);
    auto joining = coir::spawn([=] { return t.get(); });
    auto other = coir::spawn([=] { return coir::select(coir::on_task(t), coir::on_task(t)); });
    EXPECT_LE(coir::select(coir::on_task(t), coir::on_task(t), coir::on_task(t)), 2U);
    EXPECT_EQ(joining.get(), 3);
    EXPECT_LE(other.get(), 1U);
  });
}

// Who joins a task that has not started starts it, and is switched back to at its end; one that
// selects may stand before it in the list.
TEST_P(SelectTaskTest, WhoSelectsAndWhoStartedTheTaskBothHearOfItsEnd) {
  run([] {
    for (int i = 0; i < 100; ++i) {
      auto t = coir::spawn([i] {
        if (i % 2 == 0) coir::this_fiber::yield();
        return i;
      });
      auto selecting = coir::spawn([t, i] {
        int seen = -1;
        coir::select(coir::on_task(t, [&](auto& ended) { seen = ended.get(); }),
                     coir::on_timeout(1h));
        EXPECT_EQ(seen, i);
      });
      EXPECT_EQ(t.get(), i);
      selecting.get();
    }
  });
}

TEST_P(SelectTaskTest, AStopThatWasRequestedIsReady) {
  run([] {
    std::stop_source source;
    source.request_stop();
    int called = 0;
    EXPECT_EQ(coir::select(coir::on_stop(source.get_token(), [&] { ++called; }), coir::otherwise()),
              0U);
    EXPECT_EQ(called, 1);
  });
}

TEST_P(SelectTaskTest, AStopEndsTheWait) {
  run([] {
    std::stop_source source;
    auto stopping = coir::spawn([&] {
      sleep_for(1s);
      source.request_stop();
    });
    auto start = coir_test::now();
    EXPECT_EQ(coir::select(coir::on_timeout(1h), coir::on_stop(source.get_token())), 1U);
    EXPECT_EQ(coir_test::now() - start, 1s);
    stopping.get();
  });
}

TEST_P(SelectTaskTest, AStopThatNeverComesIsNeverReady) {
  run([] {
    std::stop_source source;
    EXPECT_EQ(coir::select(coir::on_stop(source.get_token()), coir::on_timeout(1s)), 1U);
    EXPECT_EQ(coir::select(coir::on_stop(source.get_token()), coir::otherwise()), 1U);
    EXPECT_EQ(coir::select(coir::on_stop(std::stop_token()), coir::on_timeout(1s)), 1U)
        << "a token without a source";
    source.request_stop();
    auto selecting = coir::spawn([token = source.get_token()] {
      return coir::select(coir::on_stop(token), coir::on_stop(token));
    });
    EXPECT_LE(selecting.get(), 1U);
  });
}

TEST_P(SelectTaskTest, AStopRequestedByAThreadIsHeard) {
  from_everywhere([](coir::runtime&) {
    for (int round = 0; round < 100; ++round) {
      std::stop_source source;
      std::thread stopping([&] { source.request_stop(); });
      EXPECT_EQ(coir::select(coir::on_stop(source.get_token())), 0U);
      stopping.join();
    }
  });
}

TEST_P(SelectTaskTest, CancellingTheWaiterEndsTheListening) {
  run([] {
    std::stop_source source;
    auto selecting =
        coir::spawn([&] { coir::select(coir::on_stop(source.get_token(), [] { FAIL(); })); });
    sleep_for(1s);
    selecting.cancel();
    EXPECT_EQ(thrown_by([&] { selecting.get(); }), "cancelled");
    source.request_stop();
  });
}

TEST_P(SelectTaskTest, CasesOfAllKindsStandInAVector) {
  run([] {
    std::stop_source source;
    coir::channel<int> numbers{1};
    auto task = returning_after(2s, 5);
    int received = 0;
    int returned = 0;
    std::vector<coir::select_case> cases;
    cases.push_back(coir::on_task(task, [&](coir::task<int>& t) { returned = t.get(); }));
    cases.push_back(coir::on_stop(source.get_token()));
    cases.push_back(coir::on_receive(numbers, [&](std::optional<int> n) { received = *n; }));
    cases.push_back(coir::on_timeout(1s));
    EXPECT_EQ(coir::select(cases), 3U);
    numbers.send(6);
    EXPECT_EQ(coir::select(cases), 2U);
    EXPECT_EQ(received, 6);
    sleep_for(500ms);
    EXPECT_EQ(coir::select(cases), 0U);
    EXPECT_EQ(returned, 5);
    cases.erase(cases.begin());
    source.request_stop();
    EXPECT_EQ(coir::select(cases), 0U);
    EXPECT_EQ(coir::select(cases), 0U) << "it stays requested";
  });
}

TEST_P(SelectTaskTest, ItIsCalledFromFibersAndThreadsOnTasksOfAnyRuntime) {
  from_everywhere([](coir::runtime& rt) {
    for (int round = 0; round < 100; ++round) {
      coir::channel<int> answers{0};
      auto sending = rt.spawn([&] { answers.send(1); });
      auto silent = rt.spawn([&] { answers.receive(); });
      auto ending = rt.spawn([] { coir::this_fiber::yield(); });
      bool ended = false;
      auto selecting = coir::on_task(ending, [&](auto&) { ended = true; });
      EXPECT_EQ(coir::select(selecting), 0U);
      EXPECT_TRUE(ended);
      sending.get();
      silent.get();
    }
  });
}

}  // namespace
