// virtual_run.hpp - fibers of one worker or of four, in a time that passes when all of them wait.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/event.hpp>
#include <coir/spawn.hpp>
#include <coir/task.hpp>
#include <coir/testing.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <chrono>

#include "support/workers.hpp"

namespace coir_test {

// Instantiated with numbers of workers. Nothing is leaked.
class virtual_run_test : public workers_test {
 protected:
  // All others have come as far as they can.
  static void settle() { coir::this_fiber::sleep_for(std::chrono::milliseconds(1)); }

  // f throws timed_out, and that long from now.
  template <class F>
  void expires_after(std::chrono::nanoseconds time, F f) {
    auto start = clock_.elapsed();
    EXPECT_THROW(f(), coir::timed_out);
    EXPECT_EQ(clock_.elapsed() - start, time);
  }

  // Runs f(self), self being the task that runs it.
  template <class F>
  static void run_with_handle(F f) {
    coir::event given;
    coir::task<void> self;
    self = coir::spawn([&] {
      given.wait();
      f(self);
    });
    given.set();
    self.get();
  }

  coir::testing::virtual_time clock_;
};

}  // namespace coir_test
