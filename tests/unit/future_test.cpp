// future_test.cpp - promises, futures, packaged tasks and asynchronous calls.
// SPDX-License-Identifier: BSL-1.0
#include <coir/future.hpp>
#include <coir/runtime.hpp>
#include <coir/thread.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using coir::future_errc;
using coir::future_status;

class FutureTest : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void run(F f) {
    if (GetParam() == 0) return f();
    coir::run(std::move(f), {.workers = GetParam()});
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, FutureTest, testing::Values(0U, 1U, 4U));

// What is thrown by f.
template <class F>
std::error_code error_of(F f) {
  try {
    f();
  } catch (const coir::future_error& e) {
    return e.code();
  }
  return {};
}

static_assert(std::uses_allocator_v<coir::promise<int>, std::allocator<int>>);
static_assert(!std::is_copy_constructible_v<coir::future<int>>);
static_assert(std::is_nothrow_move_constructible_v<coir::future<int>>);
static_assert(std::is_copy_constructible_v<coir::shared_future<int>>);
static_assert(std::is_same_v<decltype(coir::packaged_task([](double x) { return x; })),
                             coir::packaged_task<double(double)>>);
struct qualified {
  int operator()(long) const volatile& noexcept { return 1; }
};
static_assert(
    std::is_same_v<decltype(coir::packaged_task(qualified())), coir::packaged_task<int(long)>>);
static_assert(!std::uses_allocator_v<coir::packaged_task<int()>, std::allocator<int>>);

TEST_P(FutureTest, APromiseGivesItsFutureAValueOrAReferenceOrNothing) {
  run([] {
    coir::promise<std::string> text;
    coir::promise<int&> place;
    coir::promise<void> nothing;
    auto t = text.get_future();
    auto p = place.get_future();
    auto n = nothing.get_future();
    int here = 0;
    coir::thread setter([&] {
      text.set_value("text");
      place.set_value(here);
      nothing.set_value();
    });
    EXPECT_EQ(t.get(), "text");
    EXPECT_EQ(&p.get(), &here);
    n.get();
    EXPECT_FALSE(t.valid() || p.valid() || n.valid());
    setter.join();
  });
}

TEST_P(FutureTest, MisuseHasTheErrorsOfTheStandard) {
  run([] {
    coir::promise<int> p;
    auto f = p.get_future();
    EXPECT_EQ(error_of([&] { static_cast<void>(p.get_future()); }),
              future_errc::future_already_retrieved);
    p.set_value(1);
    EXPECT_EQ(error_of([&] { p.set_value(2); }), future_errc::promise_already_satisfied);
    EXPECT_EQ(f.get(), 1);
    EXPECT_EQ(error_of([&] { f.get(); }), future_errc::no_state);
    coir::promise<int> moved = std::move(p);
    EXPECT_EQ(error_of([&] { p.set_value(3); }), future_errc::no_state);
    coir::future<int> orphan = coir::promise<int>().get_future();
    EXPECT_EQ(error_of([&] { orphan.get(); }), future_errc::broken_promise);
    EXPECT_FALSE(orphan.valid());
  });
}

TEST_P(FutureTest, AValueThatCannotBeCopiedInLeavesThePromiseAsItWas) {
  run([] {
    struct touchy {
      touchy() = default;
      touchy(const touchy&) { throw std::runtime_error("no copies"); }
      touchy(touchy&&) noexcept = default;
    };
    coir::promise<touchy> p;
    auto f = p.get_future();
    touchy value;
    EXPECT_THROW(p.set_value(value), std::runtime_error);
    p.set_value(std::move(value));
    f.get();
  });
}

TEST_P(FutureTest, AtThreadExitItIsReadyWhenTheThreadHasEnded) {
  run([] {
    coir::promise<int> p;
    auto f = p.get_future();
    coir::thread t([&] {
      p.set_value_at_thread_exit(7);
      EXPECT_EQ(f.wait_for(0s), future_status::timeout);
      EXPECT_EQ(error_of([&] { p.set_value(8); }), future_errc::promise_already_satisfied);
    });
    EXPECT_EQ(f.get(), 7);
    t.join();
  });
}

TEST_P(FutureTest, AsyncRunsAtOnceOrWhenAsked) {
  run([] {
    EXPECT_EQ(coir::async([](int x) { return 2 * x; }, 21).get(), 42);
    auto later = coir::async(coir::launch::deferred, [] { return coir::this_thread::get_id(); });
    EXPECT_EQ(later.wait_for(0s), future_status::deferred);
    EXPECT_EQ(later.get(), coir::this_thread::get_id());
    auto failing = coir::async([]() -> int { throw std::runtime_error("no"); });
    EXPECT_THROW(failing.get(), std::runtime_error);
  });
}

TEST_P(FutureTest, TheLastFutureOfACallWaitsForItsEnd) {
  run([] {
    std::atomic<bool> over{false};
    {
      auto f = coir::async(coir::launch::async, [&] {
        coir::this_thread::sleep_for(1ms);
        over = true;
      });
    }
    EXPECT_TRUE(over);
  });
}

TEST_P(FutureTest, ASharedFutureIsAskedByMany) {
  run([] {
    coir::shared_future<std::string> all = coir::async([] { return std::string("one"); }).share();
    std::atomic<int> right{0};
    std::vector<coir::thread> threads;
    for (int i = 0; i < 10; ++i)
      threads.emplace_back([all, &right] { right += all.get() == "one" ? 1 : 0; });
    for (auto& t : threads) t.join();
    EXPECT_EQ(right, 10);
  });
}

TEST_P(FutureTest, APackagedTaskRunsOnceAndAgainAfterAReset) {
  run([] {
    coir::packaged_task<int(int)> task([](int x) { return x + 1; });
    auto first = task.get_future();
    task(1);
    EXPECT_EQ(error_of([&] { task(1); }), future_errc::promise_already_satisfied);
    EXPECT_EQ(first.get(), 2);
    task.reset();
    auto second = task.get_future();
    coir::thread(std::move(task), 2).join();
    EXPECT_EQ(second.get(), 3);
    EXPECT_FALSE(task.valid());
    EXPECT_EQ(error_of([&] { task(3); }), future_errc::no_state);
  });
}

TEST_P(FutureTest, TheStateComesFromTheAllocatorAndGoesBack) {
  run([] {
    std::pmr::monotonic_buffer_resource memory;
    std::pmr::polymorphic_allocator<> from(&memory);
    coir::promise<int> p(std::allocator_arg, from);
    auto f = p.get_future();
    p.set_value(5);
    EXPECT_EQ(f.get(), 5);
    std::tuple<coir::promise<int>> moved(std::allocator_arg, from, std::move(p));
    EXPECT_EQ(error_of([&] { p.set_value(6); }), future_errc::no_state);
  });
}

}  // namespace
