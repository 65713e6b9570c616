// task_test.cpp - handles on what becomes of a fiber.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancelled.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

class TaskTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, TaskTest, coir_test::one_and_four_workers());

static_assert(std::is_copy_constructible_v<coir::task<int>>);
static_assert(std::is_copy_constructible_v<coir::task<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<coir::task<int>>);
static_assert(sizeof(coir::task<int>) == sizeof(void*));
static_assert(std::is_same_v<decltype(std::declval<coir::task<int>&>().get()), const int&>);
static_assert(std::is_same_v<decltype(std::declval<coir::task<int>>().get()), int>);
static_assert(std::is_same_v<decltype(std::declval<coir::task<int&>&>().get()), int&>);
static_assert(std::is_same_v<decltype(std::declval<coir::task<void>&>().get()), void>);

TEST_P(TaskTest, GetLooksAtTheResultAsOftenAsOneLikes) {
  run([] {
    auto t = coir::spawn([] { return std::string("result"); });
    const std::string& first = t.get();
    EXPECT_EQ(first, "result");
    EXPECT_EQ(&t.get(), &first);
    EXPECT_TRUE(t.done());
    EXPECT_FALSE(t.cancelled());
  });
}

TEST_P(TaskTest, ResultsOfEveryKindArrive) {
  static int place = 3;
  run([] {
    coir::spawn([] {}).get();
    coir::spawn([] {}).take();
    EXPECT_EQ(&coir::spawn([]() -> int& { return place; }).get(), &place);
    const coir::task<int&> reference = coir::spawn([]() -> int& { return place; });
    EXPECT_EQ(&reference.get(), &place);
    EXPECT_EQ(*coir::spawn([] { return std::make_unique<int>(4); }).get(), 4);
    EXPECT_EQ(*coir::spawn([] { return std::make_unique<int>(4); }).take(), 4);
    auto large = coir::spawn([] { return std::vector<int>(1'000, 1); });
    EXPECT_EQ(large.get().size(), 1'000U);
    struct none {
      explicit none(int) {}
    };
    coir::spawn([] { return none(1); }).get();
  });
}

TEST_P(TaskTest, TakingTheResultTwiceIsAFutureError) {
  run([] {
    auto t = coir::spawn([] { return std::make_unique<int>(9); });
    EXPECT_EQ(*t.take(), 9);
    EXPECT_THROW(t.take(), std::future_error);
    EXPECT_THROW(t.get(), std::future_error);
    EXPECT_THROW(std::move(t).get(), std::future_error);
    try {
      t.take();
    } catch (const std::future_error& error) {
      EXPECT_EQ(error.code(), std::future_errc::no_state);
    }
    t.join();
  });
}

TEST_P(TaskTest, GetRethrowsAndJoinDoesNot) {
  run([] {
    auto t = coir::spawn([]() -> int { throw std::runtime_error("thrown"); });
    t.join();
    for (int i = 0; i < 2; ++i) {
      try {
        t.get();
        ADD_FAILURE() << "nothing thrown";
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "thrown");
      }
    }
    EXPECT_THROW(t.take(), std::runtime_error);
    EXPECT_NE(t.exception(), nullptr);
    EXPECT_FALSE(t.cancelled());
    EXPECT_EQ(coir::spawn([] {}).exception(), nullptr);
  });
}

TEST_P(TaskTest, ABodyEndedByCancelledIsCancelled) {
  run([] {
    auto t = coir::spawn([] { throw coir::cancelled(); });
    t.join();
    EXPECT_TRUE(t.cancelled());
    EXPECT_THROW(t.get(), coir::cancelled);
  });
}

TEST_P(TaskTest, DroppingTheHandleLetsTheFiberRunOn) {
  std::atomic<int> ran{0};
  run([&] {
    for (int i = 0; i < 100; ++i) {
      coir::spawn([&] {
        coir::this_fiber::yield();
        ++ran;
      });
    }
    while (ran < 100) coir::this_fiber::yield();
  });
  EXPECT_EQ(ran, 100);
}

TEST_P(TaskTest, TheResultLivesAsLongAsAHandle) {
  auto token = std::make_shared<int>(0);
  coir::task<std::shared_ptr<int>> kept;
  run([&] {
    auto t = coir::spawn([token] { return token; });
    kept = t;
    t.join();
  });
  EXPECT_EQ(token.use_count(), 2) << "after the runtime itself has gone";
  EXPECT_EQ(kept.get(), token);
  kept = {};
  EXPECT_EQ(token.use_count(), 1);
}

TEST_P(TaskTest, AResultNobodyWantsIsDestroyedWithTheFiber) {
  auto token = std::make_shared<int>(0);
  run([&] {
    coir::spawn([token] { return token; });
    for (int i = 0; i < 10'000 && token.use_count() != 1; ++i) coir::this_fiber::yield();
  });
  EXPECT_EQ(token.use_count(), 1);
}

TEST_P(TaskTest, TheDestructorOfAnUnwantedResultOrExceptionMayUseFibers) {
  static std::atomic<int> destroyed;
  destroyed = 0;
  struct busy {
    busy() = default;
    busy(busy&& other) noexcept : armed(std::exchange(other.armed, false)) {}
    busy(const busy& other) : armed(other.armed) {}
    ~busy() {
      if (!armed || coir::runtime::current() == nullptr) return;
      coir::this_fiber::yield();
      coir::spawn([] { ++destroyed; }).join();
    }
    bool armed = true;
  };
  run([] {
    coir::spawn([] { return busy(); });
    coir::spawn([]() -> int { throw busy(); });
    while (destroyed < 2) coir::this_fiber::yield();  // before the end of this one asks them to end
  });
}

TEST_P(TaskTest, AHandleIsCopiedAndMovedLikeAValue) {
  run([] {
    auto a = coir::spawn([] { return 5; });
    auto b = a;
    auto c = std::move(a);
    EXPECT_EQ(b.get(), 5);
    EXPECT_EQ(c.get(), 5);
    b = c;
    b = std::move(c);
    coir::task<int>& self = b;
    b = self;
    EXPECT_EQ(b.get(), 5);
    EXPECT_THROW(c.get(), std::logic_error);  // NOLINT(bugprone-use-after-move)
  });
}

TEST_P(TaskTest, ADefaultMadeTaskIsALogicError) {
  auto every_call = [] {
    coir::task<int> none;
    EXPECT_THROW(none.get(), std::logic_error);
    EXPECT_THROW(none.take(), std::logic_error);
    EXPECT_THROW(none.join(), std::logic_error);
    EXPECT_THROW(static_cast<void>(none.done()), std::logic_error);
    EXPECT_THROW(static_cast<void>(none.cancelled()), std::logic_error);
    EXPECT_THROW(static_cast<void>(none.exception()), std::logic_error);
    EXPECT_THROW(static_cast<void>(none.name()), std::logic_error);
    EXPECT_THROW(none.set_name("x"), std::logic_error);
  };
  every_call();
  run(every_call);
}

TEST_P(TaskTest, AFiberThatJoinsItselfIsADeadlockError) {
  run([] {
    coir::task<void> self;
    bool refused = false;
    self = coir::spawn([&] {
      try {
        self.join();
      } catch (const std::system_error& error) {
        refused = error.code() == std::errc::resource_deadlock_would_occur;
      }
    });
    self.join();
    EXPECT_TRUE(refused);
  });
}

TEST_P(TaskTest, ManyMayWaitForOneEnd) {
  run([] {
    std::atomic<bool> open{false};
    auto gate = coir::spawn([&] {
      while (!open) coir::this_fiber::yield();
      return 3;
    });
    std::vector<coir::task<int>> waiting;
    for (int i = 0; i < 100; ++i) waiting.push_back(coir::spawn([gate] { return gate.get(); }));
    std::thread plain([gate] { EXPECT_EQ(gate.get(), 3); });
    for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
    open = true;
    for (auto& w : waiting) EXPECT_EQ(w.get(), 3);
    plain.join();
  });
}

TEST_P(TaskTest, JoinersGoOnInTheOrderInWhichTheyCame) {
  if (GetParam() != 1) GTEST_SKIP() << "with more workers they run at the same time";
  run([] {
    std::string trace;
    bool open = false;
    auto gate = coir::spawn([&] {
      while (!open) coir::this_fiber::yield();
    });
    std::vector<coir::task<void>> waiting;
    for (char c : std::string("abcdef")) {
      waiting.push_back(coir::spawn([&trace, gate, c] {
        gate.join();
        trace += c;
      }));
    }
    coir::this_fiber::yield();
    open = true;
    for (auto& w : waiting) w.join();
    EXPECT_EQ(trace, "abcdef");
  });
}

TEST_P(TaskTest, APlainThreadMaySpawnJoinAndGet) {
  coir::runtime rt = coir::runtime::background({.workers = GetParam()});
  auto t = rt.spawn([] {
    coir::this_fiber::sleep_for(1ms);
    return 8;
  });
  EXPECT_EQ(t.get(), 8);
  EXPECT_THROW(rt.spawn([] { throw 1; }).get(), int);
  EXPECT_EQ(rt.spawn([] { return std::make_unique<int>(2); }).take().operator*(), 2);
}

TEST_P(TaskTest, ATaskOfAnotherRuntimeIsWaitedForLikeOnesOwn) {
  coir::runtime other = coir::runtime::background({.workers = GetParam()});
  run([&] {
    for (int i = 0; i < 200; ++i) EXPECT_EQ(other.spawn([i] { return i; }).get(), i);
  });
}

TEST_P(TaskTest, NamesAreGivenChangedAndReadFromAnywhere) {
  run([] {
    auto t = coir::spawn([] {
      coir::this_fiber::set_name("inside");
      for (int i = 0; i < 50; ++i) coir::this_fiber::yield();
      return coir::this_fiber::name();
    });
    EXPECT_EQ(t.name().substr(0, 6), t.name().size() == 6 ? "inside" : "fiber-");
    std::thread plain([t]() mutable {
      for (int i = 0; i < 100; ++i) t.set_name("name " + std::to_string(i));
    });
    plain.join();
    t.join();
    std::string last = t.name();
    EXPECT_TRUE(last == "inside" || last == "name 99") << last;
    t.set_name("");
    EXPECT_EQ(t.name(), "");
  });
}

TEST_P(TaskTest, TheLastHandleMayGoInAnotherThread) {
  run([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      std::vector<coir::task<std::string>> tasks;
      for (int n = 0; n < 100; ++n)
        tasks.push_back(coir::spawn([] { return std::string(100, 'x'); }));
      for (auto& t : tasks) t.join();
      threads.emplace_back([own = std::move(tasks)]() mutable { own.clear(); });
    }
    for (std::thread& t : threads) t.join();
  });
}

}  // namespace
