// workers.hpp - tests on one worker and on four, and tests after which no stack is left in use.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/runtime.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>

namespace coir_test {

// A test after which as many stacks are in use as before it.
template <class Test = testing::Test>
class leaks_no_stack : public Test {
 protected:
  void TearDown() override { EXPECT_EQ(coir::stack_stats().live, live_) << "a stack leaked"; }

 private:
  std::size_t live_ = coir::stack_stats().live;
};

// The same, instantiated with numbers of workers.
class workers_test : public leaks_no_stack<testing::TestWithParam<unsigned>> {
 protected:
  template <class F>
  auto run(F f, coir::runtime_options options = {}) {
    options.workers = GetParam();
    return coir::run(std::move(f), std::move(options));
  }
};

inline auto one_and_four_workers() {
  return testing::Values(1U, 4U);
}

}  // namespace coir_test
