// task_test.cpp - the sentence that each misuse of a task ends in.
// SPDX-License-Identifier: BSL-1.0
#include <coir/runtime.hpp>
#include <coir/task.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace {

// What `call` throws, with its type, as a reader of a log would see it.
template <class Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (const std::future_error& error) {
    return "future_error: " + error.code().message();
  } catch (const std::logic_error& error) {
    return std::string("logic_error: ") + error.what();
  } catch (const std::system_error& error) {
    return std::string("system_error: ") + error.what();
  }
  return "nothing";
}

TEST(TaskMisuse, AHandleWithoutATask) {
  coir::task<int> none;
  for (const std::string& text : {thrown_by([&] { none.get(); }), thrown_by([&] { none.join(); }),
                                  thrown_by([&] { static_cast<void>(none.done()); })})
    EXPECT_EQ(text, "logic_error: coir: this handle has no task");
}

TEST(TaskMisuse, AHandleThatWasMovedFrom) {
  coir::run([] {
    auto t = coir::spawn([] { return 1; });
    auto moved = std::move(t);
    EXPECT_EQ(thrown_by([&] { t.get(); }),  // NOLINT(bugprone-use-after-move)
              "logic_error: coir: this handle has no task");
  });
}

TEST(TaskMisuse, AFiberThatJoinsItself) {
  coir::run([] {
    coir::task<void> self;
    std::string text;
    self = coir::spawn({.name = "ouroboros"}, [&] { text = thrown_by([&] { self.join(); }); });
    self.join();
    EXPECT_EQ(text,
              "system_error: coir: fiber 'ouroboros' joins itself: Resource deadlock avoided");
  });
}

TEST(TaskMisuse, AResultTakenTwice) {
  coir::run([] {
    auto t = coir::spawn([] { return 1; });
    t.take();
    EXPECT_EQ(thrown_by([&] { t.take(); }), "future_error: No associated state");
  });
}

TEST(TaskMisuse, AStackNobodyCanHave) {
  coir::run([] {
    EXPECT_EQ(
        thrown_by([] { static_cast<void>(coir::spawn({.stack_size = SIZE_MAX / 2}, [] {})); }),
        "logic_error: coir::stack: size and guard_size exceed any address space");
  });
}

}  // namespace
