// run_blocking_cancel_test.cpp - what becomes of a blocking call whose fiber is cancelled.
// SPDX-License-Identifier: BSL-1.0
#include <coir/cancel.hpp>
#include <coir/debug.hpp>
#include <coir/event.hpp>
#include <coir/run_blocking.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/parties.hpp"
#include "support/workers.hpp"
#include "task/blocking_pool.hpp"

namespace {

using namespace std::chrono_literals;
using coir::run_blocking;
using coir::spawn_blocking;

class RunBlockingCancelTest : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, RunBlockingCancelTest, coir_test::one_and_four_workers());

// Until a fiber that was cancelled waits for the end of its call.
void until_told() {
  coir_test::until([] {
    std::ostringstream listing;
    coir::debug::dump(listing);
    return listing.str().find("the end of a blocking call") != std::string::npos;
  });
}

// Keeps all threads of the pool, so that a job stays in the queue.
class occupation {
 public:
  occupation() {
    for (unsigned i = 0; i < threads_; ++i) {
      all_.push_back(spawn_blocking([this] {
        ++inside_;
        open_.wait();
      }));
    }
    coir_test::until([this] { return inside_ == threads_; });
  }
  void end() {
    go_.set_value();
    for (auto& t : all_) t.get();
  }

 private:
  const unsigned threads_ = coir::blocking_pool::instance().most_threads();
  std::atomic<unsigned> inside_{0};
  std::promise<void> go_;
  std::shared_future<void> open_ = go_.get_future().share();
  std::vector<coir::task<void>> all_;
};

TEST_P(RunBlockingCancelTest, CancelledBeforeTheCallBeganItNeverBegins) {
  run([] {
    occupation all_threads;
    std::atomic<bool> made{false};
    std::atomic<bool> waits{false};
    auto body = [&] {
      waits = true;
      run_blocking([&] { made = true; });
    };
    auto t = coir::spawn(body);
    auto after = coir::spawn(body);
    coir_test::until([&] { return waits.load(); });
    for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
    t.cancel();
    EXPECT_THROW(t.get(), coir::cancelled);
    EXPECT_TRUE(t.cancelled());
    EXPECT_FALSE(made);
    all_threads.end();
    after.get();
    EXPECT_TRUE(made) << "what is behind it in the queue is made";
  });
}

TEST_P(RunBlockingCancelTest, CancelledOnEntryNothingIsBegun) {
  run([] {
    bool made = false;
    coir::task<void> self;
    coir::event begin;
    self = coir::spawn([&] {
      begin.wait();
      self.cancel();
      run_blocking([&] { made = true; });
    });
    begin.set();
    EXPECT_THROW(self.get(), coir::cancelled);
    EXPECT_FALSE(made);
  });
}

TEST_P(RunBlockingCancelTest, CancelledWhileItRunsItsEndIsWaitedForAndThenCancelledIsThrown) {
  run([] {
    std::promise<void> go;
    std::atomic<bool> began{false};
    std::atomic<bool> ended{false};
    auto t = coir::spawn([&] {
      std::string mine(1000, 'x');
      run_blocking([&] {
        began = true;
        go.get_future().wait();
        EXPECT_EQ(mine.size(), 1000U) << "the caller is still there";
        ended = true;
      });
      ADD_FAILURE() << "it went on";
    });
    coir_test::until([&] { return began.load(); });
    t.cancel();
    until_told();
    EXPECT_FALSE(t.done());
    go.set_value();
    EXPECT_THROW(t.get(), coir::cancelled);
    EXPECT_TRUE(ended);
  });
}

TEST_P(RunBlockingCancelTest, WhatACancelledCallThrowsIsDropped) {
  run([] {
    std::promise<void> go;
    std::atomic<bool> began{false};
    auto t = spawn_blocking([&] {
      began = true;
      go.get_future().wait();
      throw std::runtime_error("out");
    });
    coir_test::until([&] { return began.load(); });
    t.cancel();
    until_told();
    go.set_value();
    EXPECT_THROW(t.get(), coir::cancelled);
  });
}

TEST_P(RunBlockingCancelTest, InsideUncancellableTheRequestStaysForTheNextPoint) {
  run([] {
    std::promise<void> go;
    std::atomic<bool> began{false};
    std::atomic<bool> returned{false};
    auto t = coir::spawn([&] {
      {
        coir::uncancellable here;
        EXPECT_EQ(run_blocking([&] {
                    began = true;
                    go.get_future().wait();
                    return 8;
                  }),
                  8);
        returned = true;
      }
      coir::this_fiber::cancellation_point();
    });
    coir_test::until([&] { return began.load(); });
    t.cancel();
    go.set_value();
    EXPECT_THROW(t.get(), coir::cancelled);
    EXPECT_TRUE(returned);
  });
}

TEST_P(RunBlockingCancelTest, ATimeoutWaitsForTheEndOfTheCall) {
  run([] {
    std::atomic<bool> began{false};
    std::atomic<bool> ended{false};
    std::promise<void> go;
    auto t = coir::spawn([&] {
      coir::with_timeout(1ms, [&] {
        run_blocking([&] {
          began = true;
          go.get_future().wait();
          ended = true;
        });
      });
    });
    coir::this_fiber::sleep_for(5ms);
    go.set_value();
    EXPECT_THROW(t.get(), coir::timed_out);
    EXPECT_EQ(began, ended) << "where the machine has more to do it never began";
  });
}

TEST_P(RunBlockingCancelTest, CancellationsAtAnyTimeLeaveNothingBehind) {
  run([] {
    std::atomic<int> inside{0};
    for (int round = 0; round < 20; ++round) {
      std::vector<coir::task<void>> all;
      for (int i = 0; i < 100; ++i) {
        all.push_back(coir::spawn([&] {
          int own = 0;
          run_blocking([&] {
            ++inside;
            std::this_thread::yield();
            ++own;
            --inside;
          });
          EXPECT_EQ(own, 1);
        }));
      }
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (i % 3 == 0) coir::this_fiber::yield();
        all[i].cancel();
      }
      for (auto& t : all) t.join();
      EXPECT_EQ(inside, 0);
    }
  });
}

}  // namespace
