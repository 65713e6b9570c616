// generator_range_test.cpp - a generator as a range, and what a loop leaves behind.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <concepts>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorRange : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorRange, coir_test::every_context, coir_test::context_names);

template <class Generator>
concept input_view = std::ranges::view<Generator> && std::ranges::input_range<Generator>;
static_assert(input_view<coir::generator<int>>);
static_assert(input_view<coir::generator<int&>>);
static_assert(input_view<coir::generator<const int>>);
static_assert(input_view<coir::generator<const std::string&>>);
static_assert(input_view<coir::generator<std::unique_ptr<int>>>);
static_assert(input_view<coir::generator<int, int, int>>);
static_assert(std::ranges::viewable_range<coir::generator<int>>);
static_assert(!std::ranges::forward_range<coir::generator<int>>);
static_assert(!std::ranges::range<coir::generator<void>>);
static_assert(!std::ranges::range<const coir::generator<int>>);
static_assert(std::same_as<std::ranges::range_value_t<coir::generator<const int&>>, int>);
static_assert(std::same_as<std::ranges::range_reference_t<coir::generator<int>>, int&>);
static_assert(
    std::same_as<std::ranges::range_reference_t<coir::generator<const int&>>, const int&>);
static_assert(std::sentinel_for<std::default_sentinel_t, coir::generator<int>::iterator>);

template <class Context>
using numbers = coir::generator<int, void, void, Context>;

// 0, 1, 2, ... counting in `made` how many were asked for.
template <class Context>
numbers<Context> counting(int& made) {
  return numbers<Context>{[&made](auto& yield) {
    for (int i = 0;; ++i) {
      ++made;
      yield(i);
    }
  }};
}

template <class Range>
std::vector<int> all_of(Range&& range) {
  std::vector<int> all;
  for (int x : range) all.push_back(x);
  return all;
}

TYPED_TEST(GeneratorRange, ALoopVisitsEveryValueAndCloses) {
  numbers<TypeParam> g{[](auto& yield) {
    for (int i : {3, 1, 2}) yield(i);
  }};
  EXPECT_EQ(all_of(g), (std::vector{3, 1, 2}));
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_TRUE(all_of(g).empty());
}

TYPED_TEST(GeneratorRange, BeginResumesOnce) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  auto first = g.begin();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(*first, 0);
  EXPECT_EQ(*first, 0);
  auto second = g.begin();
  EXPECT_EQ(made, 2);
  EXPECT_EQ(*second, 1);
}

TYPED_TEST(GeneratorRange, GoesOnWhereTheFirstLoopStopped) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  for (int x : g)
    if (x == 4) break;
  EXPECT_EQ(made, 5);
  for (int x : g) {
    EXPECT_EQ(x, 5);
    break;
  }
  EXPECT_EQ(g.next(), 6);
}

TYPED_TEST(GeneratorRange, TakeOfANamedGeneratorTakesNoMoreThanItSays) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  EXPECT_EQ(all_of(g | std::views::take(3)), (std::vector{0, 1, 2}));
  EXPECT_EQ(made, 3);
  EXPECT_EQ(g.next(), 3);
  EXPECT_EQ(all_of(g | std::views::take(2)), (std::vector{4, 5}));
  EXPECT_EQ(made, 6);
}

TYPED_TEST(GeneratorRange, TheFibonacciOfTheContractGoesOnAfterTen) {
  coir::generator<int, void, void, TypeParam> fib{[](auto& yield) {
    for (int a = 0, b = 1;; std::tie(a, b) = std::pair{b, a + b}) yield(b);
  }};
  EXPECT_EQ(all_of(fib | std::views::take(10)), (std::vector{1, 1, 2, 3, 5, 8, 13, 21, 34, 55}));
  EXPECT_EQ(fib.next(), 89);
}

TYPED_TEST(GeneratorRange, AnRvalueMovesIntoTheView) {
  int made = 0;
  auto view = counting<TypeParam>(made) | std::views::drop(2) | std::views::take(2);
  EXPECT_EQ(made, 0);
  EXPECT_EQ(all_of(view), (std::vector{2, 3}));
}

TYPED_TEST(GeneratorRange, AdaptorsCompose) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  auto odd_squares = g | std::views::filter([](int x) { return x % 2 == 1; }) |
                     std::views::transform([](int x) { return x * x; }) | std::views::take(3);
  EXPECT_EQ(all_of(odd_squares), (std::vector{1, 9, 25}));
}

TYPED_TEST(GeneratorRange, ANamedAdaptorCanBeUsedTwice) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  const auto two = std::views::take(2);
  EXPECT_EQ(all_of(g | two), (std::vector{0, 1}));
  EXPECT_EQ(all_of(g | two), (std::vector{2, 3}));
}

TYPED_TEST(GeneratorRange, AlgorithmsReadIt) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  auto found = std::ranges::find_if(g, [](int x) { return x * x > 50; });
  EXPECT_EQ(*found, 8);
  EXPECT_EQ(made, 9);
  std::vector<int> next(3);
  std::ranges::copy(g | std::views::take(3), next.begin());
  EXPECT_EQ(next, (std::vector{9, 10, 11}));
}

TYPED_TEST(GeneratorRange, TheLoopMayChangeWhatTheBodyYields) {
  std::vector<int> values{1, 2, 3};
  coir::generator<int&, void, void, TypeParam> g{[&](auto& yield) {
    for (int& value : values) yield(value);
  }};
  for (int& value : g) value *= 10;
  EXPECT_EQ(values, (std::vector{10, 20, 30}));
}

TYPED_TEST(GeneratorRange, AMoveOnlyElementCanBeMovedOutOfTheLoop) {
  coir::generator<std::unique_ptr<int>, void, void, TypeParam> g{[](auto& yield) {
    for (int i = 0; i < 3; ++i) yield(std::make_unique<int>(i));
  }};
  std::vector<std::unique_ptr<int>> kept;
  for (auto& element : g) kept.push_back(std::move(element));
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(*kept.back(), 2);
}

TYPED_TEST(GeneratorRange, AnExceptionOfTheBodyLeavesTheLoop) {
  numbers<TypeParam> g{[](auto& yield) {
    yield(1);
    throw std::runtime_error("in the loop");
  }};
  int seen = 0;
  EXPECT_THROW(
      {
        for (int x : g) seen = x;
      },
      std::runtime_error);
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorRange, NextAndALoopShareTheBody) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  EXPECT_EQ(g.next(), 0);
  for (int x : g) {
    EXPECT_EQ(x, 1);
    break;
  }
  EXPECT_EQ(g.next(), 2);
}

TYPED_TEST(GeneratorRange, TheResultIsThereAfterTheLoop) {
  coir::generator<int, void, std::string, TypeParam> g{[](auto& yield) {
    yield(1);
    return "the end";
  }};
  for ([[maybe_unused]] int x : g) {
  }
  EXPECT_EQ(g.result(), "the end");
}

TYPED_TEST(GeneratorRange, ALoopSendsNothing) {
  coir::generator<int, int, void, TypeParam> g{[](auto& yield) {
    while (!yield(1)) {
    }
  }};
  int rounds = 0;
  for ([[maybe_unused]] int x : g)
    if (++rounds == 5) break;
  EXPECT_EQ(g.send(0), std::nullopt);
}

TYPED_TEST(GeneratorRange, AnIteratorGoesOnWhenItsGeneratorMoves) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  auto i = g.begin();
  auto moved = std::move(g);
  EXPECT_EQ(*i, 0);
  ++i;
  EXPECT_EQ(*i, 1);
  EXPECT_EQ(moved.next(), 2);
}

TYPED_TEST(GeneratorRange, SteppingTwiceSkipsAValue) {
  int made = 0;
  auto g = counting<TypeParam>(made);
  auto i = g.begin();
  ++i;
  i++;
  EXPECT_EQ(*i, 2);
  EXPECT_FALSE(i == std::default_sentinel);
  EXPECT_TRUE(i != g.end());
}

}  // namespace
