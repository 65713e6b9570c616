// stop_token_test.cpp - asking something to stop, and hearing of it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/condition_variable.hpp>
#include <coir/event.hpp>
#include <coir/mutex.hpp>
#include <coir/stop_token.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class StopTokenTest : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, StopTokenTest, coir_test::every_kind(), coir_test::name_of_kind);

TEST(StopToken, SaysWhetherAStopWasOrCanBeRequested) {
  coir::stop_token none;
  EXPECT_FALSE(none.stop_possible() || none.stop_requested());
  std::optional<coir::stop_source> source(std::in_place);
  coir::stop_token token = source->get_token();
  EXPECT_TRUE(token.stop_possible());
  EXPECT_EQ(token, source->get_token());
  EXPECT_TRUE(source->request_stop());
  EXPECT_FALSE(source->request_stop()) << "the second time";
  source.reset();
  EXPECT_TRUE(token.stop_possible() && token.stop_requested());

  coir::stop_token orphan = coir::stop_source().get_token();
  EXPECT_FALSE(orphan.stop_possible()) << "nobody is left to ask";
  EXPECT_FALSE(coir::stop_source(coir::nostopstate).stop_possible());
}

TEST(StopToken, ACallbackIsCalledOnceOrAtOnceOrNotAtAll) {
  coir::stop_source source;
  int calls = 0;
  auto count = [&] { ++calls; };
  coir::stop_callback first(source.get_token(), count);
  { coir::stop_callback gone(source.get_token(), count); }
  EXPECT_EQ(calls, 0);
  source.request_stop();
  EXPECT_EQ(calls, 1);
  coir::stop_token token = source.get_token();
  coir::stop_callback late(std::move(token), count);
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(token.stop_requested()) << "a callback that was called at once has no need of it";
}

TEST(StopToken, ACallbackMayDestroyItselfAndOthers) {
  coir::stop_source source;
  int calls = 0;
  struct bomb {
    std::optional<coir::stop_callback<std::function<void()>>> callback;
  } self, other;
  other.callback.emplace(source.get_token(), [&] { ++calls; });
  self.callback.emplace(source.get_token(), [&] {
    other.callback.reset();
    ++calls;
    self.callback.reset();  // last: what is captured goes with it
  });
  source.request_stop();  // the youngest first
  EXPECT_EQ(calls, 1);
}

TEST_P(StopTokenTest, WhoDestroysACallbackWaitsWhileAnotherCallsIt) {
  with_parties([](parties& all) {
    coir::stop_source source;
    coir::event called;
    coir::event go_on;
    bool over = false;
    std::optional<coir::stop_callback<std::function<void()>>> callback(std::in_place,
                                                                       source.get_token(), [&] {
                                                                         called.set();
                                                                         go_on.wait();
                                                                         over = true;
                                                                       });
    all.start([&] { source.request_stop(); });
    all.start([&] {
      called.wait();
      callback.reset();
      EXPECT_TRUE(over);
    });
    all.start([&] {
      called.wait();
      coir::this_fiber::yield();
      go_on.set();
    });
    all.join();
  });
}

TEST_P(StopTokenTest, ARequestEndsTheWaitForACondition) {
  with_parties([](parties& all) {
    coir::stop_source source;
    coir::mutex m;
    coir::condition_variable_any never;
    for (int i = 0; i < 4; ++i)
      all.start([&] {
        std::unique_lock lock(m);
        EXPECT_FALSE(never.wait(lock, source.get_token(), [] { return false; }));
        EXPECT_FALSE(never.wait_for(lock, source.get_token(), 1h, [] { return false; }));
      });
    all.start([&] { source.request_stop(); });
    all.join();
  });
}

}  // namespace
