// timeout_nested_test.cpp - deadlines within deadlines.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancel.hpp>
#include <coir/runtime.hpp>
#include <coir/uncancellable.hpp>

#include <gtest/gtest.h>

#include <chrono>

#include "support/virtual_run.hpp"

namespace {

using namespace std::chrono_literals;
using coir::timed_out;
using coir::timeout_scope;
using coir::with_timeout;
using coir::this_fiber::sleep_for;

class TimeoutNestedTest : public coir_test::virtual_run_test {};
INSTANTIATE_TEST_SUITE_P(Workers, TimeoutNestedTest, coir_test::one_and_four_workers());

TEST_P(TimeoutNestedTest, TheInnerExpiryIsTheInnerOnes) {
  run([&] {
    EXPECT_EQ(with_timeout(2s,
                           [&] {
                             expires_after(1s, [] { with_timeout(1s, [] { sleep_for(1h); }); });
                             sleep_for(500ms);
                             return 5;
                           }),
              5);
  });
}

TEST_P(TimeoutNestedTest, TheOuterExpiryPassesThroughTheInner) {
  run([&] {
    bool inner_said_so = false;
    expires_after(1s, [&] {
      with_timeout(1s, [&] {
        try {
          with_timeout(2s, [] { sleep_for(1h); });
        } catch (const timed_out&) {
          inner_said_so = true;
        }
      });
    });
    EXPECT_FALSE(inner_said_so);
  });
}

TEST_P(TimeoutNestedTest, OfTwoThatExpireAtOnceTheOuterIsTold) {
  run([&] {
    bool inner_said_so = false;
    expires_after(1s, [&] {
      with_timeout(1s, [&] {
        try {
          with_timeout(1s, [] { sleep_for(1h); });
        } catch (const timed_out&) {
          inner_said_so = true;
        }
      });
    });
    EXPECT_FALSE(inner_said_so);
    sleep_for(1h);
  });
}

TEST_P(TimeoutNestedTest, AnInnerOneThatExpiresUntoldTakesNothingFromTheOuter) {
  run([&] {
    expires_after(1s, [&] {
      with_timeout(1s, [&] {
        { timeout_scope inner{0s}; }
        with_timeout(-1s, [] {});
        sleep_for(1h);
      });
    });
  });
}

TEST_P(TimeoutNestedTest, AnInnerExpiryThatIsHandledLeavesTheOuterInForce) {
  run([&] {
    expires_after(10s, [&] {
      timeout_scope outer{10s};
      for (int i = 0; i < 5; ++i)
        expires_after(1s, [] {
          timeout_scope inner{1s};
          sleep_for(1h);
        });
      EXPECT_FALSE(outer.expired());
      sleep_for(1h);
    });
  });
}

TEST_P(TimeoutNestedTest, AnOuterScopeIsToldAgainWhereAnInnerHandlerTookItForItsOwn) {
  run([&] {
    timeout_scope outer{1s};
    try {
      timeout_scope inner{2s};
      sleep_for(1h);
    } catch (const timed_out&) {
      EXPECT_TRUE(outer.expired());
    }
    expires_after(0s, [] { sleep_for(1h); });
    sleep_for(1h);
  });
}

TEST_P(TimeoutNestedTest, AnOuterScopeThatWasToldIsNotToldAgainByAnInnerTimeoutOfItsOwn) {
  run([&] {
    timeout_scope outer{1s};
    expires_after(1s, [] { sleep_for(1h); });
    expires_after(1s, [] { with_timeout(1s, [] { sleep_for(1h); }); });
    sleep_for(1h);
  });
}

TEST_P(TimeoutNestedTest, AScopeOfADestructorThatRunsMeanwhileChangesNothing) {
  run([&] {
    struct polite {
      ~polite() {
        coir::uncancellable here;
        timeout_scope t{1h};
        sleep_for(1s);
      }
    };
    timeout_scope outer{1s};
    expires_after(2s, [] {
      polite own;
      sleep_for(1h);
    });
    sleep_for(1h);
  });
}

TEST_P(TimeoutNestedTest, ARaiiScopeInsideWithTimeout) {
  run([&] {
    expires_after(1s, [&] {  // the outer one, unchanged
      with_timeout(1s, [&] {
        try {
          timeout_scope inner{2s};
          sleep_for(1h);
        } catch (const timed_out&) {
          ADD_FAILURE() << "taken for the inner one's";
        }
      });
    });
    with_timeout(3s, [&] {
      expires_after(1s, [] {
        timeout_scope inner{1s};
        sleep_for(1h);
      });
      sleep_for(1s);
    });
  });
}

TEST_P(TimeoutNestedTest, WithTimeoutInsideARaiiScope) {
  run([&] {
    expires_after(1s, [&] {
      timeout_scope outer{1s};
      with_timeout(2s, [] { sleep_for(1h); });
    });
    timeout_scope outer{3s};
    expires_after(1s, [] { with_timeout(1s, [] { sleep_for(1h); }); });
    EXPECT_FALSE(outer.expired());
    sleep_for(1s);
  });
}

TEST_P(TimeoutNestedTest, AHundredNestedExpireOneAfterTheOther) {
  auto body = [&] {
    struct nest {
      static void open(int depth, int& closed) {
        if (depth == 0) return sleep_for(24h);
        try {
          with_timeout(1s * depth, [&] { open(depth - 1, closed); });
        } catch (const timed_out&) {
          EXPECT_EQ(++closed, depth);
          sleep_for(24h);
        }
      }
    };
    int closed = 0;
    expires_after(101s, [&] { with_timeout(101s, [&] { nest::open(100, closed); }); });
    EXPECT_EQ(closed, 100);
  };
  coir::run(body, {.workers = GetParam(), .stack_size = 2 * 1024 * 1024});
}

}  // namespace
