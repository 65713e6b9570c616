// task_group_stress_test.cpp - random trees of groups, with failures and cancellations in all
// places. SPDX-License-Identifier: BSL-1.0
#include <coir/task_group.hpp>

#include <coir/cancel.hpp>
#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/parties.hpp"

namespace {

unsigned below(unsigned bound, std::mt19937& random) {
  return static_cast<unsigned>(random() % bound);
}
std::uint32_t seed_from(std::mt19937& random) {
  return static_cast<std::uint32_t>(random());
}

// Some of the tasks that there are, for those that cancel.
class targets {
 public:
  void add(coir::task<void> t) {
    std::lock_guard guard(mutex_);
    tasks_[next_++ % tasks_.size()] = std::move(t);
  }
  void hit(std::uint32_t where) {
    coir::task<void> t;
    {
      std::lock_guard guard(mutex_);
      t = tasks_[where % tasks_.size()];
      if (t == coir::task<void>()) return;
    }
    t.cancel();
  }

 private:
  std::mutex mutex_;
  std::size_t next_ = 0;
  std::vector<coir::task<void>> tasks_{64};
};

// The tasks of one group, whoever spawned them.
class brood {
 public:
  void add(coir::task<void> t) {
    std::lock_guard guard(mutex_);
    tasks_.push_back(std::move(t));
  }

  // The group has ended: so have all of them. Gives what those ended with that failed.
  std::vector<std::exception_ptr> failures() {
    std::vector<std::exception_ptr> found;
    for (auto& t : tasks_) {
      EXPECT_TRUE(t.done()) << "a task outlived its group";
      if (t.done() && t.failure() != nullptr && !t.cancelled()) found.push_back(t.failure());
    }
    return found;
  }

 private:
  std::mutex mutex_;
  std::vector<coir::task<void>> tasks_;
};

class forest {
 public:
  // A group whose tasks have groups; ends like a task that does not know how it will end.
  void grow(std::uint32_t seed, int depth) {
    ++alive_;
    struct leaving {
      std::atomic<int>& alive;
      ~leaving() { --alive; }
    } at_end{alive_};
    std::mt19937 random(seed);
    if (depth == 0 || below(4, random) == 0) return live(random);
    brood young;
    bool tells_all = false;  // what left the group holds all failures
    try {
      switch (below(3, random)) {
        case 0: {
          coir::task_group g;
          populate(g, young, random, depth);
          tells_all = true;
          g.join();
          break;
        }
        case 1:
          tells_all = true;
          coir::with_task_group([&](coir::task_group& g) {
            populate(g, young, random, depth);
            live(random);
          });
          break;
        default: {
          coir::task_group g;
          populate(g, young, random, depth);
        }
      }
    } catch (const coir::task_group_error& error) {
      for (const std::exception_ptr& failure : young.failures())
        EXPECT_EQ(std::ranges::count(error.errors(), failure), 1);
      throw;
    } catch (...) {
      EXPECT_TRUE(young.failures().empty() || !tells_all);
      throw;
    }
    EXPECT_TRUE(young.failures().empty() || !tells_all);
  }

  void cancel_some(std::uint32_t where) { targets_.hit(where); }
  int alive() const { return alive_; }

 private:
  void populate(coir::task_group& g, brood& young, std::mt19937& random, int depth) {
    for (unsigned left = below(6, random); left > 0; --left) {
      if (!spawn(g, young, random, depth)) return;
      if (below(4, random) == 0) coir::this_fiber::yield();
      if (below(64, random) == 0) g.cancel();
    }
  }

  // False where the group is closing.
  bool spawn(coir::task_group& g, brood& young, std::mt19937& random, int depth) {
    try {
      const bool spawns = below(8, random) == 0;
      auto t = g.spawn([this, &g, &young, spawns, seed = seed_from(random), depth] {
        if (spawns) {
          std::mt19937 own(seed);
          spawn(g, young, own, 1);
        }
        grow(seed, depth - 1);
      });
      young.add(t);
      if (below(4, random) == 0) targets_.add(t);
    } catch (const std::logic_error&) {
      return false;
    }
    return true;
  }

  void live(std::mt19937& random) {
    try {
      switch (below(8, random)) {
        case 0:
          throw static_cast<int>(below(100, random));
        case 1:
          coir::this_fiber::sleep_for(std::chrono::microseconds(below(300, random)));
          break;
        case 2:
          coir::with_timeout(std::chrono::microseconds(below(300, random)),
                             [] { coir::event().wait(); });
          break;
        case 3: {
          coir::uncancellable for_now;
          coir::this_fiber::yield();
          break;
        }
        case 4:
          break;
        default:
          for (unsigned n = below(8, random); n > 0; --n) coir::this_fiber::yield();
      }
    } catch (const coir::cancelled&) {
      switch (below(8, random)) {
        case 0:
          throw std::string("a failure in the course of a cancellation");
        case 1:
          return;  // swallowed
        default:
          throw;
      }
    }
  }

  std::atomic<int> alive_{0};
  targets targets_;
};

class TaskGroupStress : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, TaskGroupStress, testing::Values(1U, 2U, 4U, 16U));

TEST_P(TaskGroupStress, EveryTaskEndsBeforeItsGroupWhichTellsOfAllFailures) {
  const std::size_t live = coir::stack_stats().live;
  std::mt19937 seeds(coir_test::stress_seed());
  std::atomic<int> unhandled{0};
  coir::run(
      [&] {
        forest trees;
        std::atomic<bool> over{false};
        auto cancel = [&, seed = seed_from(seeds)](bool thread) {
          std::mt19937 random(seed + thread);
          while (!over) {
            trees.cancel_some(seed_from(random));
            for (unsigned n = below(64, random); n > 0; --n) coir::this_fiber::yield();
          }
        };
        std::thread thread(cancel, true);
        auto fiber = coir::spawn(cancel, false);
        for (int round = 0; round < 40; ++round) {
          std::vector<coir::task<void>> roots;
          for (int i = 0; i < 8; ++i)
            roots.push_back(coir::spawn([&, seed = seed_from(seeds)] { trees.grow(seed, 3); }));
          for (auto& t : roots) static_cast<void>(t.exception());
          EXPECT_EQ(trees.alive(), 0);
        }
        over = true;
        fiber.join();
        thread.join();
      },
      {.workers = GetParam(),
       .on_unhandled = [&](std::string_view, const std::exception_ptr&) { ++unhandled; }});
  EXPECT_EQ(unhandled, 0) << "the trees have looked at every failure";
  EXPECT_EQ(coir::stack_stats().live, live) << "a stack leaked";
}

}  // namespace
