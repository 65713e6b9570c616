// await_test.cpp - coroutines wait for tasks, fibers for what coroutines can wait for.
// SPDX-License-Identifier: BSL-1.0
#include <coir/await.hpp>

#include <coir/cancel.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir::this_fiber::sleep_for;
using coir_test::thrown_by;

class AwaitTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, AwaitTest, coir_test::one_and_several_workers());

// -- Somebody else's coroutines.

// Starts at once and sets the event it is given when it ends. One that throws leaves its frame.
struct foreign_coroutine {
  std::coroutine_handle<> frame;
  struct promise_type {
    explicit promise_type(coir::event& at_end, auto&...) : ended(at_end) {}
    foreign_coroutine get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() { ended.set(); }
    void unhandled_exception() { throw; }
    coir::event& ended;
  };
};

// Ends with the result, or the text of the exception, of what it waits for.
template <class T>
foreign_coroutine take_into(coir::event&, coir::task<T> t, std::optional<T>& result,
                            std::string& failure) {
  try {
    result.emplace(co_await std::move(t));
  } catch (...) {
    failure = coir_test::text_of(std::current_exception());
  }
}

template <class T>
std::pair<std::optional<T>, std::string> awaited(coir::task<T> t) {
  coir::event ended;
  std::pair<std::optional<T>, std::string> outcome;
  take_into(ended, std::move(t), outcome.first, outcome.second);
  ended.wait();
  return outcome;
}

TEST_P(AwaitTest, ACoroutineWaitsForATask) {
  run([] {
    auto done = coir::spawn([] { return 1; });
    done.join();
    EXPECT_EQ(awaited(done).first, 1);
    EXPECT_EQ(awaited(coir::spawn([] {
                sleep_for(1s);
                return 2;
              })).first,
              2);
    EXPECT_EQ(awaited(done).first, 1) << "the result has stayed where it is";
    auto owned = awaited(coir::spawn([] {
      coir::this_fiber::yield();
      return std::make_unique<int>(4);
    }));
    EXPECT_EQ(**owned.first, 4);
  });
}

TEST_P(AwaitTest, AFailureAndACancellationAreThrownIntoTheCoroutine) {
  run([] {
    EXPECT_EQ(awaited(coir::spawn([]() -> int { throw std::runtime_error("failed"); })).second,
              "failed");
    auto gone = coir::spawn([] {
      sleep_for(1h);
      return 1;
    });
    gone.cancel();
    EXPECT_EQ(awaited(gone).second, "cancelled");
    EXPECT_EQ(awaited(gone).second, "cancelled") << "when it has ended, too";
  });
}

foreign_coroutine visit_all(coir::event&, coir::runtime& rt, std::vector<int>& seen) {
  static int place = 3;
  co_await rt.spawn([] { sleep_for(1ms); });
  int& reference = co_await rt.spawn([]() -> int& { return place; });
  EXPECT_EQ(&reference, &place);
  for (int i = 0; i < 10; ++i) {
    seen.push_back(co_await rt.spawn([i] {
      if (i % 2 == 0) sleep_for(1ms);
      return i;
    }));
  }
}

TEST_P(AwaitTest, ACoroutineWaitsOnAnyThreadAndGoesOnAsAFiberOfTheTasksRuntime) {
  from_everywhere([](coir::runtime& rt) {
    std::vector<int> seen;
    coir::event ended;
    visit_all(ended, rt, seen);
    ended.wait();
    EXPECT_EQ(seen.size(), 10U);
  });
}

foreign_coroutine ask_nobody(coir::event&, std::string& failure) {
  try {
    co_await coir::task<void>();
  } catch (const std::logic_error& error) {
    failure = error.what();
  }
}

TEST_P(AwaitTest, AHandleWithoutATaskIsRefused) {
  coir::event ended;
  std::string failure;
  ask_nobody(ended, failure);
  EXPECT_EQ(failure, "coir: this handle has no task");
}

foreign_coroutine throw_after(coir::event&, coir::task<void> t) {
  co_await t;
  throw std::runtime_error("loose");
}

TEST_P(AwaitTest, WhatACoroutineThrowsIntoItsFiberIsReported) {
  run([] {
    coir::event never_set;
    auto t = coir::spawn([] { sleep_for(1s); });
    foreign_coroutine thrown = throw_after(never_set, t);
    t.join();
    sleep_for(1s);
    thrown.frame.destroy();
  });
  EXPECT_EQ(take_unhandled(), std::vector<std::string>{"loose"});
}

foreign_coroutine count_down(coir::event&, std::vector<coir::task<int>> tasks,
                             std::atomic<int>& left) {
  for (auto& t : tasks) left -= co_await t;
}

TEST_P(AwaitTest, ManyCoroutinesWaitForTheSameTasks) {
  run([] {
    std::vector<coir::task<int>> tasks;
    for (int i = 0; i < 50; ++i)
      tasks.push_back(coir::spawn([i] {
        sleep_for(1ms * (i % 5));
        return 1;
      }));
    std::atomic<int> left{50 * 50};
    std::vector<std::unique_ptr<coir::event>> ends;
    for (int i = 0; i < 50; ++i) {
      ends.push_back(std::make_unique<coir::event>());
      count_down(*ends.back(), tasks, left);
    }
    for (auto& ended : ends) ended->wait();
    EXPECT_EQ(left, 0);
  });
}

// -- Somebody else's awaitables.

template <class T>
struct ready {
  T value;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  T await_resume() { return static_cast<T>(value); }
};
struct by_member {
  int value;
  ready<int> operator co_await() const { return {value}; }
};
struct by_function {
  int value;
};
ready<int> operator co_await(const by_function& a) {
  return {a.value};
}
struct of_an_rvalue {
  ready<int> operator co_await() && { return {6}; }
};

TEST_P(AwaitTest, AnyAwaitableWillDo) {
  auto check = [] {
    int place = 1;
    EXPECT_EQ(coir::await(ready<int>{2}), 2);
    EXPECT_EQ(&coir::await(ready<int&>{place}), &place);
    EXPECT_EQ(*coir::await(ready<std::unique_ptr<int>&&>{std::make_unique<int>(3)}), 3);
    EXPECT_EQ(coir::await(by_member{4}), 4);
    EXPECT_EQ(coir::await(by_function{5}), 5);
    EXPECT_EQ(coir::await(of_an_rvalue()), 6);
    by_member named{7};
    EXPECT_EQ(coir::await(named), 7);
    const by_function constant{8};
    EXPECT_EQ(coir::await(constant), 8);
    coir::await(std::suspend_never());
    static_assert(std::is_void_v<decltype(coir::await(std::suspend_never()))>);
    static_assert(std::is_same_v<decltype(coir::await(ready<const int&>{place})), const int&>);
  };
  check();
  run(check);
}

TEST_P(AwaitTest, AFiberAwaitsATaskAsWell) {
  from_everywhere([](coir::runtime& rt) {
    EXPECT_EQ(coir::await(rt.spawn([] {
                sleep_for(1s);
                return 3;
              })),
              3);
    EXPECT_EQ(thrown_by([&] { coir::await(rt.spawn([] { throw std::runtime_error("there"); })); }),
              "there");
  });
}

// Resumed by a thread that knows nothing of coir, before or after await_suspend() has returned.
template <class T>
struct on_a_thread {
  enum class when { before, after } resumed;
  T value;
  std::exception_ptr failure = nullptr;
  std::thread resumer = {};

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    std::promise<void> on_its_way;
    auto begun = on_its_way.get_future();
    resumer = std::thread([waiting, at = resumed, on_its_way = std::move(on_its_way)]() mutable {
      if (at == when::before) {
        waiting.resume();
        on_its_way.set_value();
      } else {
        on_its_way.set_value();
        std::this_thread::yield();
        waiting.resume();
      }
    });
    begun.wait();
  }
  T await_resume() {
    if (failure != nullptr) std::rethrow_exception(failure);
    return std::move(value);
  }
};

template <class T>
auto await_thread(on_a_thread<T> awaitable) {
  struct joiner {
    std::thread& thread;
    ~joiner() { thread.join(); }
  } at_end{awaitable.resumer};
  return coir::await(awaitable);
}

TEST_P(AwaitTest, AForeignThreadMayResumeItBeforeOrAfterItHasSuspended) {
  from_everywhere([](coir::runtime&) {
    for (int round = 0; round < 50; ++round) {
      using when = on_a_thread<int>::when;
      for (auto at : {when::before, when::after}) {
        EXPECT_EQ(await_thread(on_a_thread<int>{at, 4}), 4);
        auto failing = std::make_exception_ptr(std::runtime_error("from there"));
        EXPECT_EQ(thrown_by([&] { await_thread(on_a_thread<int>{at, 4, failing}); }), "from there");
      }
      using owner = on_a_thread<std::unique_ptr<int>>;
      EXPECT_EQ(*await_thread(owner{owner::when::after, std::make_unique<int>(5)}), 5);
    }
  });
}

struct throws_where {
  int step;
  bool await_ready() const { return step == 0 ? throw std::runtime_error("ready") : false; }
  bool await_suspend(std::coroutine_handle<>) const {
    return step == 1 ? throw std::runtime_error("suspend") : false;
  }
  void await_resume() const { throw std::runtime_error("resume"); }
};
struct throws_at_once {
  ready<int> operator co_await() const { throw std::runtime_error("operator"); }
};

TEST_P(AwaitTest, WhateverTheAwaitableThrowsArrives) {
  run([] {
    EXPECT_EQ(thrown_by([] { coir::await(throws_where{0}); }), "ready");
    EXPECT_EQ(thrown_by([] { coir::await(throws_where{1}); }), "suspend");
    EXPECT_EQ(thrown_by([] { coir::await(throws_where{2}); }), "resume");
    EXPECT_EQ(thrown_by([] { coir::await(throws_at_once()); }), "operator");
  });
}

// Resumed by whoever has the handle.
struct until_told {
  std::atomic<void*>* where;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const noexcept { *where = waiting.address(); }
  int await_resume() const noexcept { return 9; }
};

void resume(std::atomic<void*>& where) {
  std::coroutine_handle<>::from_address(where.load()).resume();
}

TEST_P(AwaitTest, ACancelledWaiterWaitsOnAndIsToldAfterwards) {
  run([] {
    std::atomic<void*> where{nullptr};
    auto waiting = coir::spawn([&] {
      EXPECT_EQ(coir::await(until_told{&where}), 9);
      EXPECT_EQ(thrown_by([] { coir::this_fiber::yield(); }), "cancelled");
    });
    sleep_for(1s);
    waiting.cancel();
    sleep_for(1s);
    EXPECT_FALSE(waiting.done());
    resume(where);
    waiting.get();
  });
}

TEST_P(AwaitTest, ATimeoutDoesNotEndItEither) {
  run([] {
    std::atomic<void*> where{nullptr};
    auto start = coir_test::now();
    auto resuming = coir::spawn([&] {
      sleep_for(5s);
      resume(where);
    });
    EXPECT_EQ(coir::with_timeout(1s, [&] { return coir::await(until_told{&where}); }), 9);
    EXPECT_EQ(coir_test::now() - start, 5s);
    EXPECT_THROW(coir::with_timeout(1s,
                                    [&] {
                                      coir::await(coir::spawn([] { sleep_for(2s); }));
                                      coir::this_fiber::yield();
                                    }),
                 coir::timed_out);
    resuming.get();
  });
}

TEST_P(AwaitTest, AFiberMayWaitWithinTheAwaitable) {
  struct waits {
    bool await_ready() const {
      sleep_for(1s);
      return false;
    }
    bool await_suspend(std::coroutine_handle<>) const {
      coir::this_fiber::yield();
      return false;
    }
    int await_resume() const {
      return coir::await(coir::spawn([] { return 1; }));
    }
  };
  run([] { EXPECT_EQ(coir::await(waits()), 1); });
}

}  // namespace
