// thread_test.cpp - the sentence that each misuse of a thread ends in.
// SPDX-License-Identifier: BSL-1.0
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>
#include <coir/thread.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

#include "support/death.hpp"

namespace {

class ThreadMisuse : public testing::Test {
 protected:
  void SetUp() override { coir_test::die_in_new_program(); }
};

// On one worker: it bears its name when this returns.
coir::thread named_ann() {
  coir::thread t([] { coir::this_fiber::set_name("ann"); });
  coir::this_thread::yield();
  return t;
}

TEST_F(ThreadMisuse, DestroyingAJoinableOne) {
  EXPECT_DEATH(coir::run([] { coir::thread t = named_ann(); }),
               "^coir: thread 'ann' is destroyed while it is joinable\n");
}

TEST_F(ThreadMisuse, AssigningToAJoinableOne) {
  EXPECT_DEATH(coir::run([] {
                 coir::thread t = named_ann();
                 t = coir::thread();
               }),
               "^coir: thread 'ann' is assigned to while it is joinable\n");
}

TEST_F(ThreadMisuse, LettingAnExceptionOut) {
  EXPECT_DEATH(coir::run([] {
                 coir::thread([] {
                   coir::this_fiber::set_name("ann");
                   throw std::runtime_error("no way");
                 }).join();
               }),
               "^coir: an exception leaves the function of thread 'ann'\n(.|\n)*no way");
}

}  // namespace
