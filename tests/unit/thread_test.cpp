// thread_test.cpp - fibers under the names of the standard's threads.
// SPDX-License-Identifier: BSL-1.0
#include <coir/condition_variable.hpp>
#include <coir/runtime.hpp>
#include <coir/thread.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stop_token>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

// On a plain main, where the default runtime serves, and on fibers of one worker and of four.
class ThreadTest : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void run(F f) {
    if (GetParam() == 0) return f();
    coir::run(std::move(f), {.workers = GetParam()});
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, ThreadTest, testing::Values(0U, 1U, 4U));

TEST_P(ThreadTest, RunsItsFunctionOnCopiesOfItsArguments) {
  run([] {
    int there = 0;
    auto only_moves = std::make_unique<int>(5);
    coir::thread t([](int& out, std::unique_ptr<int> in) { out = *in; }, std::ref(there),
                   std::move(only_moves));
    EXPECT_TRUE(t.joinable());
    EXPECT_NE(t.get_id(), coir::thread::id());
    t.join();
    EXPECT_FALSE(t.joinable());
    EXPECT_EQ(t.get_id(), coir::thread::id());
    EXPECT_EQ(there, 5);
  });
}

TEST_P(ThreadTest, AThousandAreNothing) {
  run([] {
    std::vector<coir::thread> threads;
    coir::mutex m;
    int sum = 0;
    for (int i = 0; i < 1'000; ++i)
      threads.emplace_back([&, i] {
        coir::this_thread::yield();
        std::lock_guard guard(m);
        sum += i;
      });
    for (auto& t : threads) t.join();
    EXPECT_EQ(sum, 499'500);
  });
}

TEST_P(ThreadTest, IdsAreDifferentHaveAnOrderAndCanBePrinted) {
  run([] {
    std::set<coir::thread::id> ids{coir::this_thread::get_id()};
    for (int i = 0; i < 10; ++i) {
      coir::thread t([&] { EXPECT_TRUE(ids.insert(coir::this_thread::get_id()).second); });
      t.join();
    }
    std::ostringstream out;
    out << *ids.begin();
    EXPECT_FALSE(out.str().empty());
    EXPECT_EQ(std::hash<coir::thread::id>()(*ids.begin()),
              std::hash<coir::thread::id>()(*ids.begin()));
  });
}

TEST_P(ThreadTest, WhatCannotBeJoinedIsAnInvalidArgument) {
  run([] {
    coir::thread none;
    EXPECT_THROW(none.join(), std::system_error);
    EXPECT_THROW(none.detach(), std::system_error);
    coir::thread t([] {});
    t.join();
    EXPECT_THROW(t.join(), std::system_error);
  });
}

TEST_P(ThreadTest, OneThatJoinsItselfIsTold) {
  run([] {
    coir::thread t;
    std::atomic<bool> made{false};
    std::error_code code;
    t = coir::thread([&] {
      while (!made) coir::this_thread::yield();
      try {
        t.join();
      } catch (const std::system_error& e) {
        code = e.code();
      }
    });
    made = true;
    t.join();
    EXPECT_EQ(code, std::make_error_code(std::errc::resource_deadlock_would_occur));
  });
}

TEST_P(ThreadTest, AJthreadAsksToStopAndJoins) {
  run([] {
    bool asked = false;
    {
      coir::jthread t([&](coir::stop_token token) {
        while (!token.stop_requested()) coir::this_thread::sleep_for(1ms);
        asked = true;
      });
      EXPECT_TRUE(t.get_stop_token().stop_possible());
    }
    EXPECT_TRUE(asked);
    coir::jthread without_token([] {});
    without_token = coir::jthread([](int) {}, 3);
    struct worker {
      void run(coir::stop_token token, int seen) { number = token.stop_possible() ? seen : 0; }
      int number = 0;
    } own;
    coir::jthread(&worker::run, &own, 5).join();
    EXPECT_EQ(own.number, 5) << "the token comes after the object";
  });
}

TEST_P(ThreadTest, WhoEndsNotifiesAtItsVeryEnd) {
  run([] {
    coir::mutex m;
    coir::condition_variable ended;
    bool done = false;
    coir::thread t([&] {
      std::unique_lock lock(m);
      done = true;
      coir::notify_all_at_thread_exit(ended, std::move(lock));
    });
    std::unique_lock lock(m);
    ended.wait(lock, [&] { return done; });
    lock.unlock();
    t.join();
  });
}

TEST(Thread, WhatConvertsToAnIdCompares) {
  struct {
    operator coir::thread::id() const { return coir::this_thread::get_id(); }
  } const here;
  using namespace coir;
  EXPECT_TRUE(here == here && here <= here && !(here < here));
  std::wostringstream out;
  out << coir::thread::id();
  EXPECT_FALSE(out.str().empty());
}

// Its type is looked at by nobody who only wants to hand it on.
struct incomplete;
template <class T>
struct holder {
  T held;
};
TEST_P(ThreadTest, AnArgumentMayPointToWhatIsNotKnownYet) {
  run([] {
    holder<incomplete>* nowhere = nullptr;
    coir::thread t([](holder<incomplete>*) {}, nowhere);
    t.join();
  });
}

}  // namespace
