// cancel_test.cpp - what is said of a cancellation that goes where it must not.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancel.hpp>
#include <coir/cancelled.hpp>
#include <coir/runtime.hpp>
#include <coir/spawn.hpp>
#include <coir/this_fiber.hpp>
#include <coir/uncancellable.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include "support/death.hpp"

namespace {

using namespace std::chrono_literals;

// Cancels a fiber of this name once it waits in f.
template <class F>
void cancel_in(const char* name, F f) {
  coir::run([&] {
    auto t = coir::spawn({.name = name}, f);
    coir::this_fiber::yield();
    t.cancel();
    t.join();
  });
}

struct slow_to_go {
  ~slow_to_go() { coir::this_fiber::sleep_for(1h); }
};

class CancelMisuse : public testing::Test {
 protected:
  void SetUp() override { coir_test::die_in_new_program(); }
};

TEST_F(CancelMisuse, ADestructorThatWaitsAndIsCancelled) {
  EXPECT_DEATH(cancel_in("ann", [] { slow_to_go own; }),
               "coir: fiber 'ann' was cancelled in a destructor or another noexcept function, "
               "which no exception can leave; open coir::uncancellable there\n");
}

TEST_F(CancelMisuse, ANoexceptFunctionThatWaitsAndIsCancelled) {
  EXPECT_DEATH(cancel_in("bob", []() noexcept { coir::this_fiber::sleep_for(1h); }),
               "coir: fiber 'bob' was cancelled in a destructor or another noexcept function");
}

TEST_F(CancelMisuse, ADestructorThatWaitsWhenATimeoutExpires) {
  EXPECT_DEATH(coir::run([] {
                 coir::spawn({.name = "carol"}, [] {
                   coir::with_timeout(1ms, [] { slow_to_go own; });
                 }).join();
               }),
               "coir: fiber 'carol' was cancelled in a destructor");
  EXPECT_DEATH(coir::run([] {
                 coir::spawn({.name = "dave"}, [] {
                   coir::timeout_scope t{1ms};
                   slow_to_go own;
                 }).join();
               }),
               "coir: fiber 'dave' was timed out in a destructor");
}

TEST_F(CancelMisuse, TheHandlerThatWasThereBeforeIsCalledAfter) {
  EXPECT_DEATH(
      {
        std::set_terminate([] {
          std::fputs("the program's own last words\n", stderr);
          std::abort();
        });
        cancel_in("eve", [] { slow_to_go own; });
      },
      "coir: fiber 'eve' was cancelled in a destructor.*\nthe program's own last words\n");
}

TEST_F(CancelMisuse, AnExceptionThatIsNoCancellationIsNotSpokenOf) {
  EXPECT_EXIT(
      {
        std::set_terminate([] {
          std::fputs("nothing else\n", stderr);
          std::_Exit(3);
        });
        coir::run([] {
          auto fail = [] { throw std::runtime_error("not ours"); };
          coir::spawn([&]() noexcept { fail(); }).join();
        });
      },
      testing::ExitedWithCode(3), "^nothing else\n$");
}

TEST_F(CancelMisuse, AMaskKeepsItFromThat) {
  struct patient {
    ~patient() {
      coir::uncancellable here;
      coir::this_fiber::sleep_for(1ms);
    }
  };
  cancel_in("ann", [] { patient own; });
}

// -- What is swallowed.

// What the library writes to stderr while f runs in a fiber called ann that is cancelled.
template <class F>
std::string said_of(F f) {
  testing::internal::CaptureStderr();
  cancel_in("ann", f);
  return testing::internal::GetCapturedStderr();
}

const std::string swallowing =
    COIR_TEST_DEBUG_BUILD
        ? "coir: fiber 'ann' goes on after a catch (...) that swallowed its cancellation; end the "
          "handler with `throw;`, or catch coir::cancelled where it is meant\n"
        : "";

void wait_for_ever() {
  coir::this_fiber::sleep_for(std::chrono::hours::max());
}

TEST(SwallowedCancellation, IsReportedOnceForEachFiber) {
  EXPECT_EQ(said_of([] {
              for (int i = 0; i < 3; ++i) {
                try {
                  if (i == 0) wait_for_ever();
                } catch (...) {
                }
              }
            }),
            swallowing);
  EXPECT_EQ(said_of([] {
              for (int i = 0; i < 2; ++i) {
                coir::with_timeout(0h, [] {
                  try {
                    wait_for_ever();
                  } catch (...) {
                  }
                });
              }
              wait_for_ever();
            }),
            swallowing);
}

TEST(SwallowedCancellation, IsNotReportedOfWhoNamesIt) {
  EXPECT_EQ(said_of([] {
              try {
                wait_for_ever();
              } catch (const coir::cancelled&) {
              }
            }),
            "");
}

TEST(SwallowedCancellation, IsNotReportedOfWhoThrowsAgain) {
  EXPECT_EQ(said_of([] {
              try {
                wait_for_ever();
              } catch (...) {
                throw;
              }
            }),
            "");
  EXPECT_EQ(said_of([] {
              try {
                try {
                  wait_for_ever();
                } catch (...) {
                  throw;
                }
              } catch (const coir::cancelled&) {
              }
            }),
            "");
}

TEST(SwallowedCancellation, IsReportedOfWhoThrowsAgainAndThenSwallows) {
  EXPECT_EQ(said_of([] {
              try {
                try {
                  wait_for_ever();
                } catch (const coir::cancelled&) {
                  throw;
                }
              } catch (...) {
              }
            }),
            swallowing);
}

TEST(SwallowedCancellation, IsNotReportedOfWhoKeepsItAndThrowsItLater) {
  EXPECT_EQ(said_of([] {
              try {
                std::exception_ptr kept;
                try {
                  wait_for_ever();
                } catch (...) {
                  kept = std::current_exception();
                }
                std::rethrow_exception(kept);
              } catch (const coir::cancelled&) {
              }
            }),
            "");
}

TEST(SwallowedCancellation, IsReportedOfWhoOnlyLooksAtIt) {
  EXPECT_EQ(said_of([] {
              try {
                wait_for_ever();
              } catch (...) {
                static_cast<void>(std::current_exception());
              }
            }),
            swallowing);
}

TEST(SwallowedCancellation, IsNotReportedOfATimeoutThatEndsWhereItShould) {
  EXPECT_EQ(said_of([] {
              try {
                coir::with_timeout(0s, [] { wait_for_ever(); });
              } catch (...) {
              }
            }),
            "");
}

}  // namespace
