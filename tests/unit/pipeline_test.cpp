// pipeline_test.cpp - stages work on a sequence of values at the same time.
// SPDX-License-Identifier: BSL-1.0
#include <coir/pipeline.hpp>

#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir::stage;

static_assert(std::ranges::input_range<coir::channel<int>&>);
static_assert(std::ranges::input_range<coir::pipeline<int>>);
static_assert(std::ranges::view<coir::pipeline<int>>);
static_assert(!std::is_copy_constructible_v<coir::pipeline<int>>);

// Runs f with one worker, with four, and on a plain thread.
template <class F>
void everywhere(F f) {
  for (unsigned workers : {1U, 4U}) coir::run(f, {.workers = workers});
  f();
}

std::vector<int> first(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(Pipeline, EveryValueGoesThroughAllStagesInOrder) {
  everywhere([] {
    auto out = first(200) | stage([](int n) { return n + 1; }) |
               stage([](int n) { return std::to_string(n); }) |
               stage([](std::string s) { return s + "!"; });
    int n = 0;
    for (const std::string& s : out) EXPECT_EQ(s, std::to_string(++n) + "!");
    EXPECT_EQ(n, 200);
  });
}

TEST(Pipeline, OrderIsKeptWhateverTheWorkersAndTheBuffer) {
  everywhere([] {
    for (std::size_t workers : {1U, 2U, 4U, 9U})
      for (std::size_t buffer :
           {std::size_t{0}, std::size_t{1}, std::size_t{16}, coir::unbounded}) {
        auto out = first(60) |
                   stage({.workers = workers, .buffer = buffer},
                         [](int n) {
                           // Later values overtake earlier ones.
                           for (int i = 0; i < (n * 7) % 5; ++i) coir::this_fiber::yield();
                           return n;
                         }) |
                   stage({.workers = 3, .buffer = buffer}, [](int n) { return n * 2; });
        int n = 0;
        for (int v : out) ASSERT_EQ(v, 2 * n++);
        ASSERT_EQ(n, 60);
      }
  });
}

TEST(Pipeline, StagesWorkAtTheSameTime) {
  coir_test::virtual_time clock;
  coir::run([] {
    auto a_second_for = [](int n) {
      coir::this_fiber::sleep_for(1s);
      return n;
    };
    std::int64_t start = coir::deadline::now().nanoseconds();
    auto out = first(10) | stage(a_second_for) | stage(a_second_for) | stage(a_second_for);
    EXPECT_EQ(std::ranges::distance(out), 10);
    EXPECT_EQ(coir::deadline::now().nanoseconds() - start, 12s / 1ns);
  });
}

TEST(Pipeline, AStageOfSeveralWorkersTakesSeveralValuesAtOnce) {
  coir_test::virtual_time clock;
  coir::run([] {
    std::int64_t start = coir::deadline::now().nanoseconds();
    int inside = 0;
    int most = 0;
    auto out = first(12) | stage({.workers = 4, .buffer = 16}, [&](int n) {
                 most = std::max(most, ++inside);
                 coir::this_fiber::sleep_for(1s);
                 --inside;
                 return n;
               });
    EXPECT_EQ(std::ranges::distance(out), 12);
    EXPECT_EQ(most, 4);
    EXPECT_EQ(coir::deadline::now().nanoseconds() - start, 3s / 1ns);
  });
}

TEST(Pipeline, TheSourceMayBeAnyInputRange) {
  everywhere([] {
    auto twice = stage([](int n) { return 2 * n; });
    auto sum = [](auto&& range) {
      int total = 0;
      for (int n : range) total += n;
      return total;
    };
    std::vector<int> kept{1, 2, 3};
    EXPECT_EQ(sum(kept | twice), 12);
    EXPECT_EQ(kept, (std::vector{1, 2, 3}));
    EXPECT_EQ(sum(std::vector{1, 2, 3} | twice), 12);
    EXPECT_EQ(sum(std::views::iota(1, 4) | twice), 12);
    EXPECT_EQ(sum(kept | std::views::reverse | twice), 12);
    coir::generator<int> made([](auto& yield) {
      for (int i = 1; i <= 3; ++i) yield(i);
    });
    EXPECT_EQ(sum(made | twice), 12);
    EXPECT_EQ(sum(coir::generator<int>([](auto& yield) {
                    for (int i = 1; i <= 3; ++i) yield(i);
                  }) |
                  twice),
              12);
    coir::channel<int> ch{4};
    for (int i = 1; i <= 3; ++i) ch.send(i);
    ch.close();
    EXPECT_EQ(sum(ch | twice), 12);
    auto inner = kept | twice;
    EXPECT_EQ(sum(inner | twice), 24);
    EXPECT_EQ(sum(std::vector<int>() | twice), 0);
  });
}

TEST(Pipeline, ValuesMayBeMoveOnly) {
  everywhere([] {
    std::vector<std::unique_ptr<int>> boxes;
    for (int i = 0; i < 20; ++i) boxes.push_back(std::make_unique<int>(i));
    auto out = std::move(boxes) | stage({.workers = 2}, [](std::unique_ptr<int> box) {
                 ++*box;
                 return box;
               });
    int n = 0;
    for (std::unique_ptr<int>& box : out) EXPECT_EQ(*box, ++n);
    EXPECT_EQ(n, 20);
  });
}

TEST(Pipeline, AStageThatReturnsNothingGivesSomethingToCount) {
  everywhere([] {
    std::atomic<int> sum{0};
    auto out = first(5) | stage([&](int n) { sum += n; });
    EXPECT_EQ(std::ranges::distance(out), 5);
    EXPECT_EQ(sum, 10);
  });
}

TEST(Pipeline, AnExceptionReachesTheReaderInItsTurnAndCancelsTheRest) {
  everywhere([] {
    for (std::size_t workers : {1U, 4U}) {
      std::atomic<int> made{0};
      auto endless = coir::generator<int>([&](auto& yield) {
        for (int i = 0;; ++i) {
          ++made;
          yield(i);
        }
      });
      auto out = std::move(endless) | stage({.workers = workers}, [](int n) { return n; }) |
                 stage({.workers = workers},
                       [](int n) {
                         if (n == 10) throw std::runtime_error("ten");
                         return n;
                       }) |
                 stage({.workers = workers}, [](int n) { return n; });
      int n = 0;
      std::string what;
      try {
        for (int v : out) EXPECT_EQ(v, n++);
      } catch (const std::runtime_error& e) {
        what = e.what();
      }
      EXPECT_EQ(n, 10);
      EXPECT_EQ(what, "ten");
      EXPECT_EQ(std::ranges::distance(out), 0) << "it is over";
      EXPECT_LT(made, 100);
    }
  });
}

TEST(Pipeline, AnExceptionOfTheSourceReachesTheReader) {
  everywhere([] {
    coir::generator<int> failing([](auto& yield) {
      for (int i = 0; i < 3; ++i) yield(i);
      throw std::out_of_range("no more");
    });
    auto out = std::move(failing) | stage({.workers = 3}, [](int n) { return n; });
    int n = 0;
    EXPECT_THROW(
        {
          for (int v : out) EXPECT_EQ(v, n++);
        },
        std::out_of_range);
    EXPECT_EQ(n, 3);
  });
}

TEST(Pipeline, AbandoningItStopsTheSource) {
  everywhere([] {
    for (std::size_t workers : {1U, 3U}) {
      std::atomic<int> made{0};
      int read = 0;
      {
        auto out = coir::generator<int>([&](auto& yield) {
                     for (int i = 0;; ++i) {
                       ++made;
                       yield(i);
                     }
                   }) |
                   stage({.workers = workers}, [](int n) { return n; }) |
                   stage({.workers = workers}, [](int n) { return n; });
        for (int v : out) {
          EXPECT_EQ(v, read);
          if (++read == 5) break;
        }
      }
      int after = made;
      for (int i = 0; i < 5; ++i) coir::this_fiber::yield();
      EXPECT_EQ(made, after);
      EXPECT_LT(made, 50);
    }
  });
}

TEST(Pipeline, AbandoningItWhileTheSourceWaitsForAChannelEndsThatWait) {
  everywhere([] {
    coir::channel<int> ch{1};
    {
      auto out = ch | stage([](int n) { return n; });
      ch.send(1);
      EXPECT_EQ(*out.begin(), 1);
    }
    EXPECT_TRUE(ch.try_send(2));
    EXPECT_EQ(ch.receive(), 2) << "it is not taken by a pipeline that is gone";
  });
}

TEST(Pipeline, OneThatIsNeverReadEndsToo) {
  everywhere([] {
    std::atomic<int> inside{0};
    {
      auto out = std::views::iota(0) | stage({.workers = 2, .buffer = 4}, [&](int n) {
                   ++inside;
                   coir::this_fiber::yield();
                   --inside;
                   return n;
                 });
      for (int i = 0; i < 20; ++i) coir::this_fiber::yield();
    }
    EXPECT_EQ(inside, 0) << "the destructor waits for calls under way";
  });
}

TEST(Pipeline, ItCanBePutTogetherInStepsAndMoved) {
  everywhere([] {
    auto half = first(10) | stage([](int n) { return n + 1; });
    auto whole = std::move(half) | stage([](int n) { return n * 10; });
    auto moved = std::move(whole);
    auto it = moved.begin();
    EXPECT_EQ(*it, 10);
    auto again = std::move(moved);
    ++it;
    EXPECT_EQ(*it, 20);
    int left = 0;
    for (int v : std::move(again) | std::views::take(3)) left += v;
    EXPECT_EQ(left, 30 + 40 + 50);
  });
}

TEST(Pipeline, AStageWithoutWorkersIsRefused) {
  EXPECT_THROW(first(3) | stage({.workers = 0}, [](int n) { return n; }), std::invalid_argument);
}

TEST(Pipeline, TheEndOfARunEndsAPipelineOfItsFibers) {
  for (unsigned workers : {1U, 4U}) {
    std::atomic<int> left{0};
    coir::run(
        [&] {
          for (int i = 0; i < 3; ++i)
            coir::spawn([&] {
              auto out = std::views::iota(0) | stage({.workers = 2}, [](int n) { return n; });
              coir::channel<int> never;
              try {
                for (int v : out)
                  if (v == 3) never.receive();
              } catch (const coir::cancelled&) {
                ++left;
                throw;
              }
            });
          for (int i = 0; i < 200; ++i) coir::this_fiber::yield();
        },
        {.workers = workers});
    EXPECT_LE(left, 3);
  }
}

}  // namespace
