// runtime_test.cpp - the sentence that each misuse of a runtime ends in.
// SPDX-License-Identifier: BSL-1.0
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

#include "support/death.hpp"

namespace {

using namespace std::chrono_literals;

template <class Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (const std::logic_error& error) {
    return std::string("logic_error: ") + error.what();
  } catch (const std::system_error& error) {
    return std::string("system_error: ") + error.what();
  }
  return "nothing";
}

TEST(RuntimeMisuse, OneThatWasMovedFrom) {
  coir::runtime rt;
  coir::runtime moved = std::move(rt);
  // NOLINTBEGIN(bugprone-use-after-move)
  for (const std::string& text :
       {thrown_by([&] { rt.post([] {}); }), thrown_by([&] { rt.run_until_complete([] {}); }),
        thrown_by([&] { rt.run_forever(); }), thrown_by([&] { static_cast<void>(rt.stats()); }),
        thrown_by([&] { rt.run_ready(); }), thrown_by([&] { static_cast<void>(rt.wait_fd()); }),
        thrown_by([&] { static_cast<void>(rt.next_deadline()); })})
    EXPECT_EQ(text, "logic_error: coir: this runtime was moved from");
  rt.stop();  // nothing to stop
  // NOLINTEND(bugprone-use-after-move)
}

TEST(RuntimeMisuse, OneThatIsRunByItsOwnFiber) {
  coir::runtime rt;
  std::string text =
      rt.run_until_complete([&] { return thrown_by([&] { rt.run_until_complete([] {}); }); });
  EXPECT_EQ(text,
            "system_error: coir: a runtime is run by one of its own fibers: "
            "Resource deadlock avoided");
}

TEST(RuntimeMisuse, OneThatIsRunForeverByItsOwnFiber) {
  coir::runtime rt;
  std::string text = rt.run_until_complete([&] { return thrown_by([&] { rt.run_forever(); }); });
  EXPECT_EQ(text,
            "system_error: coir: a runtime is run by one of its own fibers: "
            "Resource deadlock avoided");
  text = rt.run_until_complete([&] { return thrown_by([&] { rt.run_ready(); }); });
  EXPECT_EQ(text,
            "system_error: coir: a runtime is run by one of its own fibers: "
            "Resource deadlock avoided");
}

TEST(RuntimeMisuse, RunForeverOfOneWithThreads) {
  coir::runtime rt = coir::runtime::background();
  EXPECT_EQ(thrown_by([&] { rt.run_forever(); }),
            "logic_error: coir: this runtime runs on threads of its own");
  EXPECT_EQ(thrown_by([&] { rt.run_ready(); }),
            "logic_error: coir: this runtime runs on threads of its own");
}

TEST(RuntimeMisuse, OneThatIsRunByTwoThreadsAtOnce) {
  coir::runtime rt;
  rt.run_until_complete([&] {
    std::string text;
    std::thread([&] { text = thrown_by([&] { rt.run_until_complete([] {}); }); }).join();
    EXPECT_EQ(text,
              "system_error: coir: a runtime is run by two threads at once: "
              "Device or resource busy");
  });
}

TEST(RuntimeMisuse, OptionsInsideAFiber) {
  coir::run([] {
    EXPECT_EQ(thrown_by([] { coir::run([] {}, {.workers = 2}); }),
              "logic_error: coir: run() inside a fiber takes a name and a stack_size, no other "
              "options");
  });
}

TEST(RuntimeMisuse, OptionsThatCannotBe) {
  EXPECT_EQ(thrown_by([] { coir::runtime rt({.workers = 5'000}); }),
            "logic_error: runtime_options: more than 4096 workers");
  EXPECT_EQ(thrown_by([] { coir::runtime rt({.stack_size = 0}); }),
            "logic_error: coir::stack: a stack of 0 bytes; 16 KiB is a small one");
  EXPECT_EQ(thrown_by([] { coir::runtime rt({.warn_if_running_longer_than = -1ns}); }),
            "logic_error: runtime_options: warn_if_running_longer_than is negative");
  EXPECT_EQ(thrown_by([] { coir::runtime rt({.warn_if_blocked_longer_than = -1ns}); }),
            "logic_error: runtime_options: warn_if_blocked_longer_than is negative");
}

void destroy_from_inside() {
  auto rt = std::make_unique<coir::runtime>();
  rt->run_until_complete([&] { rt.reset(); });
}

TEST(RuntimeMisuseDeathTest, OneThatIsDestroyedByItsOwnFiber) {
  coir_test::die_in_new_program();
  EXPECT_DEATH(destroy_from_inside(), "coir: a runtime is destroyed by one of its own fibers");
}

// The child of a fiber's fork() goes on, past its end.
void return_in_a_child() {
  coir::run([] {
    pid_t child = fork();
    if (child == 0) return;
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) std::abort();
  });
}

TEST(RuntimeMisuseDeathTest, AFiberThatReturnsInAChildProcess) {
  coir_test::die_in_new_program();
  EXPECT_DEATH(return_in_a_child(), "coir: a fiber of the parent process ends in a child of fork");
}

TEST(RuntimeMisuse, OneOfTheParentProcess) {
  coir::runtime rt;
  pid_t child = fork();
  if (child == 0) {
    std::string text = thrown_by([&] { rt.post([] {}); });
    _exit(text == "system_error: coir: a runtime of the parent process is used after fork(): "
                  "Operation not permitted"
              ? 0
              : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
