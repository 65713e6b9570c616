// task_callback_test.cpp - what is to be called once a task has ended, and when it is.
// SPDX-License-Identifier: BSL-1.0
#include <coir/gather.hpp>
#include <coir/runtime.hpp>
#include <coir/task.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "support/workers.hpp"

namespace {

class TaskCallbackTest : public coir_test::leaks_no_stack<> {
 protected:
  // A callback that is given a text of its own beside the task.
  auto note(std::string what) {
    return std::bind_front(
        [this](const std::string& text, const coir::task<int>& t) {
          log_ += text + std::to_string(t.get()) + ' ';
        },
        std::move(what));
  }

  std::string log_;
};

int seven() {
  coir::this_fiber::yield();
  return 7;
}

TEST_F(TaskCallbackTest, IsCalledBeforeTheOneThatStartedTheTaskByJoiningGoesOn) {
  coir::run([&] {
    auto t = coir::spawn(seven);
    t.on_done(note("first "));
    t.on_done(note("second "));
    t.join();
    log_ += "joined";
  });
  EXPECT_EQ(log_, "first 7 second 7 joined");
}

TEST_F(TaskCallbackTest, IsCalledBeforeThoseThatWaitForATaskThatRunsGoOn) {
  coir::run([&] {
    auto t = coir::spawn(seven);
    auto other = coir::spawn([&] { t.join(); });
    t.on_done(note("called "));
    coir::this_fiber::yield();
    t.join();
    log_ += "joined";
    other.join();
  });
  EXPECT_EQ(log_, "called 7 joined");
}

TEST_F(TaskCallbackTest, IsCalledBeforeAGatherGoesOn) {
  coir::run([&] {
    auto t = coir::spawn(seven);
    t.on_done(note("called "));
    coir::gather(t);
    log_ += "gathered";
  });
  EXPECT_EQ(log_, "called 7 gathered");
}

// The runtime ends with the function that it was made for, and cancels what still lives.
TEST_F(TaskCallbackTest, IsGivenTheResultThoughTheRuntimeEndsWithTheTask) {
  coir::task<int> t;
  coir::run([&] {
    t = coir::spawn(seven);
    t.on_done(note("called "));
    return t.get();
  });
  EXPECT_EQ(log_, "called 7 ");
}

}  // namespace
