// environment_test.cpp - fibers that take their floating-point environment along, and others.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>
#include <coir/mutex.hpp>
#include <coir/runtime.hpp>
#include <coir/stack.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

// What is done, not only what is set: a third is rounded up where that is asked for.
[[gnu::noinline]] double third() {
  volatile double one = 1;
  volatile double three = 3;
  return one / three;
}

bool rounds(int mode) {
  static const double nearest = third();  // first called where nothing was set
  double now = third();
  bool right = mode == FE_UPWARD ? now > nearest : mode == FE_TONEAREST ? now == nearest : true;
  return std::fegetround() == mode && right;
}

class EnvironmentTest : public testing::TestWithParam<unsigned> {
 protected:
  EnvironmentTest() { static_cast<void>(rounds(FE_TONEAREST)); }
  template <class F>
  auto run(F f) {
    return coir::run(std::move(f), {.workers = GetParam()});
  }
  void TearDown() override {
    EXPECT_TRUE(rounds(FE_TONEAREST)) << "the thread's environment was changed";
    EXPECT_EQ(coir::stack_stats().live, live_) << "a stack leaked";
  }

 private:
  std::size_t live_ = coir::stack_stats().live;
};
INSTANTIATE_TEST_SUITE_P(Workers, EnvironmentTest, testing::Values(1U, 4U));

constexpr std::array modes{FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

// Fibers that round in their own ways and some that know nothing of it, each doing `step` again and
// again; what they find wrong.
int wrong_after(const std::function<void()>& step, bool pinned = false) {
  std::atomic<int> wrong{0};
  std::vector<coir::task<void>> tasks;
  for (std::size_t i = 0; i < 12; ++i) {
    bool own = i % 2 == 0;
    int mode = own ? modes[i / 2 % modes.size()] : FE_TONEAREST;
    tasks.push_back(coir::spawn({.pinned = pinned, .preserve_fenv = own}, [&, own, mode] {
      if (own) std::fesetround(mode);
      for (int n = 0; n < 100; ++n) {
        step();
        if (!rounds(mode)) ++wrong;
      }
    }));
  }
  for (auto& t : tasks) t.join();
  return wrong;
}

TEST_P(EnvironmentTest, ItIsKeptOverAYield) {
  run([] { EXPECT_EQ(wrong_after([] { coir::this_fiber::yield(); }), 0); });
}

TEST_P(EnvironmentTest, ItIsKeptByAPinnedFiber) {
  run([] { EXPECT_EQ(wrong_after([] { coir::this_fiber::yield(); }, true), 0); });
}

TEST_P(EnvironmentTest, ItIsKeptOverASleep) {
  run([] { EXPECT_EQ(wrong_after([] { coir::this_fiber::sleep_for(1us); }), 0); });
}

TEST_P(EnvironmentTest, ItIsKeptOverAWaitForAMutex) {
  run([] {
    coir::mutex mutex;
    EXPECT_EQ(wrong_after([&] {
                std::lock_guard lock(mutex);
                coir::this_fiber::yield();
              }),
              0);
  });
}

TEST_P(EnvironmentTest, ItIsKeptOverAJoin) {
  run([] {
    EXPECT_EQ(wrong_after([] {
                coir::spawn([] { coir::this_fiber::yield(); }).join();
                coir::spawn({.preserve_fenv = true}, [] { std::fesetround(FE_DOWNWARD); }).join();
                coir::spawn([] {}).join();
              }),
              0);
  });
}

TEST_P(EnvironmentTest, ItIsKeptWhileAChannelIsWaitedFor) {
  run([] {
    coir::channel<int> there{0};
    coir::channel<int> back{0};
    auto echo = coir::spawn([&] {
      for (int v : there) back.send(v);
    });
    EXPECT_EQ(wrong_after([&] {
                there.send(1);
                back.receive();
              }),
              0);
    there.close();
    echo.join();
  });
}

TEST_P(EnvironmentTest, AFiberThatHandlesAnExceptionKeepsBoth) {
  run([] {
    EXPECT_EQ(wrong_after([] {
                try {
                  throw std::runtime_error("kept");
                } catch (const std::runtime_error& caught) {
                  coir::this_fiber::yield();
                  if (std::string("kept") != caught.what()) throw;
                  coir::spawn([] {}).join();
                }
                if (std::current_exception() != nullptr) std::fesetround(FE_TONEAREST);
              }),
              0);
  });
}

TEST_P(EnvironmentTest, ItStartsAsTheThreadHasItAndLeavesNothingBehind) {
  run([] {
    coir::spawn({.preserve_fenv = true}, [] {
      EXPECT_TRUE(rounds(FE_TONEAREST));
      std::fesetround(FE_UPWARD);
      std::feraiseexcept(FE_DIVBYZERO);
    }).join();
    EXPECT_TRUE(rounds(FE_TONEAREST));
    EXPECT_EQ(std::fetestexcept(FE_DIVBYZERO), 0);
    coir::spawn({.preserve_fenv = true}, [] { EXPECT_TRUE(rounds(FE_TONEAREST)); }).join();
  });
}

TEST_P(EnvironmentTest, TheExceptionFlagsAreTheFibersToo) {
  run([] {
    auto raises = coir::spawn({.preserve_fenv = true}, [] {
      std::feclearexcept(FE_ALL_EXCEPT);
      std::feraiseexcept(FE_OVERFLOW);
      for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
      EXPECT_NE(std::fetestexcept(FE_OVERFLOW), 0);
    });
    auto clean = coir::spawn({.preserve_fenv = true}, [] {
      std::feclearexcept(FE_ALL_EXCEPT);
      for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
      EXPECT_EQ(std::fetestexcept(FE_OVERFLOW), 0);
    });
    raises.join();
    clean.join();
  });
}

TEST(EnvironmentMigration, ItGoesAlongToAnotherThread) {
  ASSERT_TRUE(rounds(FE_TONEAREST));
  coir::run(
      [] {
        for (int round = 0; round < 3; ++round) {
          std::set<std::thread::id> threads;
          auto moves = coir::spawn({.preserve_fenv = true}, [&] {
            std::fesetround(FE_UPWARD);
            auto end = std::chrono::steady_clock::now() + 30s;
            while (threads.size() < 2 && std::chrono::steady_clock::now() < end) {
              threads.insert(std::this_thread::get_id());
              // Behind a hog it is stolen.
              std::atomic<bool> go{false};
              auto hog = coir::spawn([&] {
                auto enough = std::chrono::steady_clock::now() + 50ms;
                while (!go && std::chrono::steady_clock::now() < enough) {
                }
                EXPECT_TRUE(rounds(FE_TONEAREST));
              });
              coir::this_fiber::yield();
              EXPECT_TRUE(rounds(FE_UPWARD));
              go = true;
              hog.join();
              EXPECT_TRUE(rounds(FE_UPWARD));
            }
          });
          moves.join();
          EXPECT_EQ(threads.size(), 2U);
          EXPECT_TRUE(rounds(FE_TONEAREST));
        }
      },
      {.workers = 2});
}

}  // namespace
