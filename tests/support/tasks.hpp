// tasks.hpp - for tests of tasks: by one worker and by several, from fibers and from threads.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/event.hpp>
#include <coir/runtime.hpp>
#include <coir/stack.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sched/clock.hpp"
#include "support/parties.hpp"

namespace coir_test {

// Virtual time.
inline std::chrono::nanoseconds now() {
  return std::chrono::nanoseconds(coir::clock_now());
}

inline std::string text_of(const std::exception_ptr& failure) {
  if (failure == nullptr) return "none";
  try {
    std::rethrow_exception(failure);
  } catch (const coir::cancelled&) {
    return "cancelled";
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "not a std::exception";
  }
}

// What `call` throws; "none" where it returns.
template <class Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (const coir::cancelled&) {
    return "cancelled";
  } catch (...) {
    return text_of(std::current_exception());
  }
  return "none";
}

// Waits until it is cancelled.
inline void wait_for_cancellation() {
  coir::event().wait();
}

// Sleeps until it is cancelled; then takes that long to end.
inline void sleep_and_clean_up(std::chrono::nanoseconds cleanup) {
  try {
    coir::this_fiber::sleep_for(std::chrono::hours(1'000));
  } catch (const coir::cancelled&) {
    coir::this_fiber::sleep_for(cleanup);
    throw;
  }
}

// Each test on one worker and on four, in virtual time. Nothing is leaked, and no exception is
// reported as unhandled but those that the test asks for.
class task_test : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  auto run(F f) {
    return coir::run(std::move(f), options());
  }

  // Calls f(rt), rt being where it is to spawn, on a fiber of rt, on a plain thread, and on a fiber
  // of another runtime. Sleeping tells nothing there: while the thread runs time may go by.
  template <class F>
  void from_everywhere(F f) {
    coir::runtime rt = coir::runtime::background(options());
    {
      SCOPED_TRACE("on a fiber");
      rt.spawn([&] { f(rt); }).get();
    }
    {
      SCOPED_TRACE("on a plain thread");
      threads_spawn_ = true;
      f(rt);
    }
    SCOPED_TRACE("on a fiber of another runtime");
    run([&] { f(rt); });
  }

  bool one_worker() const { return GetParam() == 1; }

  coir::runtime_options options() {
    return {.workers = one_worker() ? 1U : several_workers(),
            .on_unhandled = [this](std::string_view, const std::exception_ptr& failure) {
              std::lock_guard guard(mutex_);
              unhandled_.push_back(text_of(failure));
            }};
  }

  // Those reported so far.
  std::vector<std::string> take_unhandled() {
    std::lock_guard guard(mutex_);
    return std::exchange(unhandled_, {});
  }

  void TearDown() override {
    if (threads_spawn_) {
      // Its workers keep stacks; a fiber is counted until its worker has switched away from it.
      auto left = [] { return coir::default_runtime().stats().live_fibers; };
      for (int turn = 0; turn < 1'000'000 && left() != 0; ++turn) std::this_thread::yield();
      EXPECT_EQ(left(), 0U) << "a fiber leaked";
    } else {
      EXPECT_EQ(coir::stack_stats().live, live_) << "a stack leaked";
    }
    EXPECT_EQ(take_unhandled(), std::vector<std::string>());
  }

 private:
  bool threads_spawn_ = false;  // into the default runtime
  std::size_t live_ = coir::stack_stats().live;
  virtual_time clock_;
  std::mutex mutex_;
  std::vector<std::string> unhandled_;  // under mutex_
};

inline auto one_and_several_workers() {
  return testing::Values(1U, 4U);
}

}  // namespace coir_test
