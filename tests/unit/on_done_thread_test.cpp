// on_done_thread_test.cpp - a callback that is registered by a plain thread, for nobody's runtime.
// SPDX-License-Identifier: BSL-1.0
#include <coir/event.hpp>
#include <coir/runtime.hpp>

#include <gtest/gtest.h>

namespace {

TEST(OnDoneOfAThread, OfATaskWhoseRuntimeHasGoneRunsOnTheDefaultRuntime) {
  coir::task<int> kept;
  coir::run([&] {
    kept = coir::spawn([] { return 3; });
    kept.join();
  });
  coir::event called;
  kept.on_done([&](const coir::task<int>& t) {
    EXPECT_EQ(t.get(), 3);
    EXPECT_EQ(coir::runtime::current(), &coir::default_runtime());
    called.set();
  });
  called.wait();
}

}  // namespace
