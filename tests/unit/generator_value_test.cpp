// generator_value_test.cpp - the types that can be yielded and returned.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorValue : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorValue, coir_test::every_context, coir_test::context_names);

template <class Context, class Yield, class Return = void>
using yields = coir::generator<Yield, void, Return, Context>;

template <class Generator>
using next_result = decltype(std::declval<Generator&>().next());
static_assert(std::same_as<next_result<coir::generator<int>>, std::optional<int>>);
static_assert(std::same_as<next_result<coir::generator<const int>>, std::optional<const int>>);
static_assert(std::same_as<next_result<coir::generator<int&>>, int*>);
static_assert(std::same_as<next_result<coir::generator<const int&>>, const int*>);
static_assert(std::same_as<next_result<coir::generator<void>>, bool>);
static_assert(std::same_as<decltype(std::declval<coir::generator<int, int>&>().send(1)),
                           next_result<coir::generator<int, int>>>);
static_assert(std::same_as<decltype(std::declval<coir::generator<int&, int>&>().throw_(1)), int*>);

template <class Return>
using result_of = decltype(std::declval<coir::generator<int, void, Return>&>().result());
static_assert(std::same_as<result_of<int>, int&>);
static_assert(std::same_as<result_of<int&>, int&>);
static_assert(std::same_as<result_of<const int&>, const int&>);
static_assert(std::same_as<result_of<void>, void>);

TYPED_TEST(GeneratorValue, YieldingVoidTellsWhetherItYielded) {
  int steps = 0;
  yields<TypeParam, void> g{[&](auto& yield) {
    for (; steps < 2; ++steps) yield();
  }};
  EXPECT_TRUE(g.next());
  EXPECT_TRUE(g.next());
  EXPECT_FALSE(g.next());
  EXPECT_FALSE(g.next());
  EXPECT_EQ(steps, 2);
}

TYPED_TEST(GeneratorValue, YieldingAReferenceGivesTheObjectItself) {
  yields<TypeParam, std::string&> g{[](auto& yield) {
    std::string own = "a";
    yield(own);
    yield(own);
  }};
  std::string* first = g.next();
  ASSERT_NE(first, nullptr);
  *first += "b";
  std::string* second = g.next();
  EXPECT_EQ(second, first);
  EXPECT_EQ(*second, "ab");
  EXPECT_EQ(g.next(), nullptr);
  EXPECT_EQ(g.next(), nullptr);
}

TYPED_TEST(GeneratorValue, AYieldedConstReferenceMayBeATemporary) {
  yields<TypeParam, const std::string&> g{[](auto& yield) {
    yield(std::string(100, 'x'));
    yield("literal");
  }};
  EXPECT_EQ(*g.next(), std::string(100, 'x'));
  EXPECT_EQ(*g.next(), "literal");
  EXPECT_EQ(g.next(), nullptr);
}

TYPED_TEST(GeneratorValue, AMoveOnlyValueMovesOut) {
  yields<TypeParam, std::unique_ptr<int>> g{[](auto& yield) {
    auto named = std::make_unique<int>(1);
    yield(std::move(named));
    yield(std::make_unique<int>(2));
  }};
  EXPECT_EQ(**g.next(), 1);
  std::unique_ptr<int> second = *g.next();
  EXPECT_EQ(*second, 2);
  EXPECT_EQ(g.next(), std::nullopt);
}

TYPED_TEST(GeneratorValue, AConstValueIsCopiedOut) {
  yields<TypeParam, const std::string> g{[](auto& yield) {
    const std::string text = "constant";
    yield(text);
    yield(text);
  }};
  EXPECT_EQ(*g.next(), "constant");
  EXPECT_EQ(*g.next(), "constant");
}

TYPED_TEST(GeneratorValue, ALargeValueArrivesWhole) {
  using large = std::array<int, 2000>;
  yields<TypeParam, large> g{[](auto& yield) {
    large value{};
    for (int& one : value) one = 7;
    yield(value);
  }};
  auto taken = g.next();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->front() + taken->back(), 14);
}

TYPED_TEST(GeneratorValue, AnOptionalCanBeYieldedEmpty) {
  yields<TypeParam, std::optional<int>> g{[](auto& yield) {
    yield(std::nullopt);
    yield(3);
  }};
  auto first = g.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(first->has_value());
  EXPECT_EQ(**g.next(), 3);
  EXPECT_FALSE(g.next().has_value());
}

TYPED_TEST(GeneratorValue, ANullPointerCanBeYielded) {
  yields<TypeParam, int*> g{[](auto& yield) { yield(nullptr); }};
  auto first = g.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(*first, nullptr);
  EXPECT_FALSE(g.next().has_value());
}

TYPED_TEST(GeneratorValue, AnOveralignedValueStaysAligned) {
  struct alignas(64) wide {
    int value;
  };
  yields<TypeParam, wide&> g{[](auto& yield) {
    wide w{5};
    yield(w);
  }};
  wide* taken = g.next();
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(taken) % 64, 0U);
  EXPECT_EQ(taken->value, 5);
}

TYPED_TEST(GeneratorValue, AMoveOnlyResultCanBeTakenOut) {
  yields<TypeParam, int, std::unique_ptr<int>> g{[](auto&) { return std::make_unique<int>(4); }};
  g.next();
  std::unique_ptr<int> result = std::move(g.result());
  EXPECT_EQ(*result, 4);
}

TYPED_TEST(GeneratorValue, AReferenceResultIsTheObjectItself) {
  int object = 1;
  yields<TypeParam, int, int&> g{[&](auto&) -> int& { return object; }};
  g.next();
  EXPECT_EQ(&g.result(), &object);
}

TYPED_TEST(GeneratorValue, WhatTheBodyReturnsIsConverted) {
  yields<TypeParam, int, double> g{[](auto&) { return 3; }};
  g.next();
  EXPECT_EQ(g.result(), 3.0);
}

TYPED_TEST(GeneratorValue, AVoidGeneratorDropsWhatTheBodyReturns) {
  yields<TypeParam, int> g{[](auto&) { return std::string("dropped"); }};
  g.next();
  EXPECT_NO_THROW(g.result());
}

// One object, however often it is copied on its way.
struct tracked {
  explicit tracked(int& count) : alive(&count) { ++*alive; }
  tracked(const tracked& other) : alive(other.alive) { ++*alive; }
  tracked& operator=(const tracked&) = default;
  ~tracked() { --*alive; }
  int* alive;
};

TYPED_TEST(GeneratorValue, ValuesAndResultsAreDestroyedAsOftenAsMade) {
  int alive = 0;
  {
    coir::generator<tracked, tracked, tracked, TypeParam> g{[&](auto& yield) {
      tracked own(alive);
      for (int i = 0; i < 3; ++i) yield(own);
      return own;
    }};
    EXPECT_EQ(alive, 0);
    g.next();
    g.send(tracked(alive));
    g.next();
    EXPECT_FALSE(g.next().has_value());
    EXPECT_EQ(alive, 1) << "the result";
  }
  EXPECT_EQ(alive, 0);
}

// A value whose move fails when it is taken out.
struct fragile {
  fragile() = default;
  fragile(fragile&&) { throw std::runtime_error("broke"); }
};

TYPED_TEST(GeneratorValue, AMoveThatThrowsInTheResumerLeavesTheGeneratorSuspended) {
  yields<TypeParam, fragile> g{[](auto& yield) {
    yield(fragile{});
    yield(fragile{});
  }};
  EXPECT_THROW(g.next(), std::runtime_error);
  EXPECT_EQ(g.state(), g.suspended);
  EXPECT_THROW(g.next(), std::runtime_error);
  EXPECT_FALSE(g.next().has_value());
}

int free_body(coir::yielder<int>& yield) {
  yield(1);
  return 2;
}

TEST(GeneratorBody, MayBeAFunctionAFunctionPointerOrAFunctionObject) {
  coir::generator<int, void, int> by_name{free_body};
  coir::generator<int, void, int> by_pointer{&free_body};
  coir::generator<int, void, int> by_object{std::function<int(coir::yielder<int>&)>(free_body)};
  for (auto* g : {&by_name, &by_pointer, &by_object}) {
    EXPECT_EQ(g->next(), 1);
    EXPECT_EQ(g->next(), std::nullopt);
    EXPECT_EQ(g->result(), 2);
  }
}

TEST(GeneratorBody, MayBeMoveOnlyAndMutable) {
  coir::generator<int> g{[n = std::make_unique<int>(1)](coir::yielder<int>& yield) mutable {
    for (; *n < 3; ++*n) yield(*n);
    n.reset();
  }};
  EXPECT_EQ(g.next(), 1);
  EXPECT_EQ(g.next(), 2);
  EXPECT_EQ(g.next(), std::nullopt);
}

TEST(GeneratorBody, MayBeReferredToInsteadOfCopied) {
  int calls = 0;
  auto body = [calls](coir::yielder<int>& yield) mutable { yield(++calls); };
  coir::generator<int> first{std::ref(body)}, second{std::ref(body)};
  EXPECT_EQ(first.next(), 1);
  EXPECT_EQ(second.next(), 2);
}

static_assert(std::constructible_from<coir::generator<int>, void (*)(coir::yielder<int>&)>);
static_assert(!std::constructible_from<coir::generator<int>, void (*)(coir::yielder<long>&)>);
static_assert(!std::constructible_from<coir::generator<int>, void (*)()>);
static_assert(!std::constructible_from<coir::generator<int>, void (*)(coir::yielder<int>)>);
static_assert(
    !std::constructible_from<coir::generator<int, void, int>, void (*)(coir::yielder<int>&)>);
static_assert(!std::convertible_to<void (*)(coir::yielder<int>&), coir::generator<int>>);

}  // namespace
