// embed_test.cpp - a runtime inside a foreign event loop: a hand-written one over poll().
// SPDX-License-Identifier: BSL-1.0
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class EmbedTest : public coir_test::leaks_no_stack<testing::TestWithParam<unsigned>> {
 protected:
  // What a foreign loop does: runs what is ready, then sleeps until there is more; how often it
  // went round. With other workers it looks up by itself, for what these do is not told to it.
  template <class Done>
  int loop(coir::runtime& rt, Done done) {
    int rounds = 0;
    pollfd entry{rt.wait_fd(), POLLIN, 0};
    while (true) {
      ++rounds;
      rt.run_ready();
      if (done()) return rounds;
      int wait = GetParam() == 1 ? -1 : 5;
      if (auto next = rt.next_deadline()) {
        auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*next - std::chrono::steady_clock::now());
        if (wait < 0 || left < wait * 1ms) wait = static_cast<int>(std::max(left, 0ms).count());
      }
      poll(&entry, 1, wait);
    }
  }

  static bool readable(coir::runtime& rt) {
    pollfd entry{rt.wait_fd(), POLLIN, 0};
    return poll(&entry, 1, 0) == 1;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, EmbedTest, coir_test::one_and_four_workers());

TEST(Embed, RunReadyRunsWhatIsReadyAndSaysWhetherAnythingWas) {
  coir::runtime rt;
  EXPECT_FALSE(rt.run_ready());
  int ran = 0;
  for (int i = 0; i < 3; ++i) rt.post([&] { ++ran; });
  EXPECT_TRUE(rt.run_ready());
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(rt.run_ready());
  EXPECT_FALSE(rt.next_deadline().has_value());
}

TEST(Embed, RunReadyComesBackThoughFibersAreAlwaysReady) {
  coir::runtime rt;
  bool end = false;
  int turns = 0;
  for (int i = 0; i < 2; ++i) {
    rt.post([&] {
      while (!end) {
        ++turns;
        coir::this_fiber::yield();
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    int before = turns;
    EXPECT_TRUE(rt.run_ready());
    EXPECT_GT(turns, before);
    pollfd entry{rt.wait_fd(), POLLIN, 0};
    EXPECT_EQ(poll(&entry, 1, 0), 1) << "there is more to do";
  }
  end = true;
  rt.run_ready();
}

TEST(Embed, TheNextDeadlineIsThatOfTheFirstSleeper) {
  coir::runtime rt;
  auto start = std::chrono::steady_clock::now();
  rt.post([] { coir::this_fiber::sleep_for(2h); });
  rt.post([] { coir::this_fiber::sleep_for(1h); });
  rt.run_ready();
  ASSERT_TRUE(rt.next_deadline().has_value());
  EXPECT_GE(*rt.next_deadline(), start + 1h);
  EXPECT_LT(*rt.next_deadline(), start + 2h);
}

TEST_P(EmbedTest, FibersSleepAndPostsArriveWhileTheLoopPolls) {
  coir::runtime rt({.workers = GetParam()});
  std::atomic<int> steps{0};
  std::vector<std::thread> outside;
  for (int t = 0; t < 3; ++t) {
    outside.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        rt.post([&] {
          coir::this_fiber::sleep_for(1us);
          coir::this_fiber::yield();
          ++steps;
        });
      }
    });
  }
  loop(rt, [&] { return steps == 300; });
  for (std::thread& t : outside) t.join();
  EXPECT_EQ(steps, 300);
}

TEST_P(EmbedTest, ThePollSleepsWhileThereIsNothingToDo) {
  coir::runtime rt({.workers = GetParam()});
  bool woke = false;
  auto t = rt.spawn({.pinned = true}, [&] {
    coir::this_fiber::sleep_for(20ms);
    woke = true;
  });
  int rounds = loop(rt, [&] { return t.done(); });
  EXPECT_TRUE(woke);
  EXPECT_LT(rounds, 30);
}

TEST_P(EmbedTest, EachPostFromOutsideMakesTheDescriptorReadable) {
  coir::runtime rt({.workers = 1});
  rt.run_ready();
  static_cast<void>(readable(rt));
  for (int i = 0; i < 200; ++i) {
    rt.run_ready();
    int ran = 0;
    std::thread([&] { rt.post([&] { ++ran; }); }).join();
    ASSERT_TRUE(readable(rt));
    ASSERT_TRUE(rt.run_ready());
    ASSERT_EQ(ran, 1);
    ASSERT_FALSE(readable(rt));
  }
}

TEST_P(EmbedTest, FibersTalkToAFileOfTheForeignLoop) {
  coir::runtime rt({.workers = 1});
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  std::string got;
  rt.post([&] {
    for (char c : std::string("hello")) {
      coir::this_fiber::sleep_for(1us);
      EXPECT_EQ(write(pipes[1], &c, 1), 1);
    }
  });
  while (got.size() < 5) {
    rt.run_ready();
    pollfd both[2] = {{rt.wait_fd(), POLLIN, 0}, {pipes[0], POLLIN, 0}};
    poll(both, 2, rt.next_deadline() ? 1 : -1);
    if ((both[1].revents & POLLIN) != 0) {
      char c = 0;
      ASSERT_EQ(read(pipes[0], &c, 1), 1);
      got += c;
    }
  }
  EXPECT_EQ(got, "hello");
  close(pipes[0]);
  close(pipes[1]);
}

TEST_P(EmbedTest, TheSameRuntimeMayBeRunInTheForegroundInBetween) {
  coir::runtime rt({.workers = GetParam()});
  for (int i = 0; i < 20; ++i) {
    auto t = rt.spawn([i] { return i; });
    loop(rt, [&] { return t.done(); });
    EXPECT_EQ(rt.run_until_complete([i] { return i + 1; }), i + 1);
  }
}

TEST_P(EmbedTest, OneThatIsDestroyedInBetweenEndsItsFibers) {
  bool ended = false;
  {
    coir::runtime rt({.workers = 1});
    rt.post([&] {
      struct guard {
        bool& flag;
        ~guard() { flag = true; }
      } g{ended};
      coir::this_fiber::sleep_for(1h);
    });
    rt.run_ready();
    EXPECT_FALSE(ended);
  }
  EXPECT_TRUE(ended);
}

}  // namespace
