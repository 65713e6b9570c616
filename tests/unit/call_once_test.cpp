// call_once_test.cpp - many ask, one does it, and all see that it is done.
// SPDX-License-Identifier: BSL-1.0
#include <coir/call_once.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "support/parties.hpp"

namespace {

using coir_test::parties;

class CallOnce : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, CallOnce, coir_test::every_kind(), coir_test::name_of_kind);

constinit coir::once_flag at_program_start;

TEST_P(CallOnce, OneCallsAndAllSeeIt) {
  with_parties([](parties& all) {
    coir::once_flag flag;
    int value = 0;
    for (int i = 0; i < 8; ++i)
      all.start([&] {
        coir::call_once(flag, [&] {
          coir::this_fiber::yield();
          ++value;
        });
        EXPECT_EQ(value, 1);
      });
    all.join();
    coir::call_once(flag, [] { FAIL() << "called twice"; });
  });
}

TEST_P(CallOnce, AfterACallThatThrowsTheNextOneTries) {
  with_parties([](parties& all) {
    coir::once_flag flag;
    std::atomic<int> calls{0}, caught{0}, done{0};
    for (int i = 0; i < 8; ++i)
      all.start([&] {
        try {
          coir::call_once(flag, [&] {
            int call = ++calls;
            coir::this_fiber::yield();
            if (call <= 3) throw std::runtime_error("not yet");
            ++done;
          });
          EXPECT_EQ(done, 1);
        } catch (const std::runtime_error&) {
          ++caught;
        }
      });
    all.join();
    EXPECT_EQ(calls, 4);
    EXPECT_EQ(caught, 3);
    EXPECT_EQ(done, 1);
  });
}

TEST(CallOnceArguments, TheyAreForwarded) {
  std::unique_ptr<int> kept;
  coir::once_flag flag;
  coir::call_once(
      flag,
      [&](std::unique_ptr<int> p, int& by_reference) {
        kept = std::move(p);
        by_reference = 2;
      },
      std::make_unique<int>(1), *std::make_unique<int>(0));
  EXPECT_EQ(*kept, 1);
  struct object {
    int value = 0;
    void set(int v) { value = v; }
  } o;
  coir::call_once(at_program_start, &object::set, o, 5);
  EXPECT_EQ(o.value, 5);
}

TEST(CallOnceCancellation, OneThatWaitsIsCancelledAndTheCallerIsNot) {
  coir::once_flag flag;
  int cancelled = 0;
  coir::run([&] {
    coir::spawn([&] {
      coir::call_once(flag, [] {
        EXPECT_THROW(coir::this_fiber::sleep_for(std::chrono::hours(1)), coir::cancelled);
      });
    });
    coir::spawn([&] {
      try {
        coir::call_once(flag, [] { FAIL() << "called twice"; });
      } catch (const coir::cancelled&) {
        ++cancelled;
        throw;
      }
    });
    coir::this_fiber::yield();
  });
  EXPECT_EQ(cancelled, 1);
}

}  // namespace
