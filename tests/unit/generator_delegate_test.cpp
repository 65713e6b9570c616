// generator_delegate_test.cpp - yield.from: all that another yields, then its result.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorDelegate : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorDelegate, coir_test::every_context, coir_test::context_names);

template <class Context, class Return = void>
using numbers = coir::generator<int, void, Return, Context>;
template <class Context, class Return = void>
using talks = coir::generator<std::string, std::string, Return, Context>;

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

template <class Range>
std::vector<int> all_of(Range&& range) {
  std::vector<int> all;
  for (int x : range) all.push_back(x);
  return all;
}

TYPED_TEST(GeneratorDelegate, YieldsAllThatTheOtherYieldsAndReturnsItsResult) {
  numbers<TypeParam, int> sub{[](auto& yield) {
    yield(1);
    yield(2);
    return 30;
  }};
  numbers<TypeParam> g{[&](auto& yield) {
    yield(0);
    yield(yield.from(sub));
  }};
  EXPECT_EQ(all_of(g), (std::vector{0, 1, 2, 30}));
  EXPECT_EQ(sub.result(), 30);
}

TYPED_TEST(GeneratorDelegate, TakesATemporary) {
  numbers<TypeParam, std::unique_ptr<int>> g{[](auto& yield) {
    return yield.from(numbers<TypeParam, std::unique_ptr<int>>{[](auto& inner) {
      inner(1);
      return std::make_unique<int>(7);
    }});
  }};
  EXPECT_EQ(all_of(g), (std::vector{1}));
  EXPECT_EQ(*g.result(), 7);
}

TYPED_TEST(GeneratorDelegate, AReferenceResultStaysAReference) {
  int object = 0;
  numbers<TypeParam, int&> sub{[&](auto&) -> int& { return object; }};
  numbers<TypeParam> g{[&](auto& yield) {
    yield.from(sub) = 1;
    yield.from(numbers<TypeParam, int&>{[&](auto&) -> int& { return object; }}) += 1;
  }};
  g.next();
  EXPECT_EQ(object, 2);
}

TYPED_TEST(GeneratorDelegate, AMoveOnlyResultMovesOutOfANamedOne) {
  numbers<TypeParam, std::unique_ptr<int>> sub{[](auto&) { return std::make_unique<int>(5); }};
  numbers<TypeParam> g{[&](auto& yield) { yield(*yield.from(sub)); }};
  EXPECT_EQ(g.next(), 5);
  EXPECT_EQ(sub.result(), nullptr);
}

TYPED_TEST(GeneratorDelegate, GoesOnWhereTheOtherStands) {
  numbers<TypeParam> sub{[](auto& yield) {
    for (int i = 0; i < 4; ++i) yield(i);
  }};
  sub.next();
  numbers<TypeParam> g{[&](auto& yield) { yield.from(sub); }};
  EXPECT_EQ(g.next(), 1);
  EXPECT_EQ(sub.next(), 2);
  EXPECT_EQ(g.next(), 3);
  EXPECT_EQ(g.next(), std::nullopt);
}

TYPED_TEST(GeneratorDelegate, AnEndedOneYieldsNothing) {
  numbers<TypeParam, int> returned{[](auto&) { return 3; }};
  returned.next();
  numbers<TypeParam> closed{[](auto& yield) { yield(1); }};
  closed.next();
  closed.close();
  numbers<TypeParam> g{[&](auto& yield) {
    yield.from(closed);
    yield(yield.from(returned));
  }};
  EXPECT_EQ(all_of(g), (std::vector{3}));
}

TYPED_TEST(GeneratorDelegate, OneThatNeverReturnedHasNoResultToGive) {
  numbers<TypeParam, int> closed{[](auto& yield) {
    yield(1);
    return 3;
  }};
  closed.close();
  numbers<TypeParam> g{[&](auto& yield) { yield(yield.from(closed)); }};
  EXPECT_EQ(error_of([&] { g.next(); }), "generator has not returned");
}

TYPED_TEST(GeneratorDelegate, OneCannotDelegateToItself) {
  numbers<TypeParam>* self = nullptr;
  numbers<TypeParam> g{[&](auto& yield) { yield.from(*self); }};
  self = &g;
  EXPECT_EQ(error_of([&] { g.next(); }), "generator already executing");
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorDelegate, TheOuterOneStandsWhereTheInnerOneStands) {
  numbers<TypeParam> sub{[](auto& yield) { yield(1); }};
  numbers<TypeParam> g{[&](auto& yield) {
    yield.from(sub);
    yield(2);
  }};
  g.next();
  EXPECT_EQ(g.state(), g.suspended);
  EXPECT_EQ(sub.state(), sub.suspended);
  g.next();
  EXPECT_EQ(sub.state(), sub.closed);
  EXPECT_EQ(g.state(), g.suspended);
}

TYPED_TEST(GeneratorDelegate, TakesAnyRange) {
  const std::vector<int> constant{1, 2};
  numbers<TypeParam> g{[&](auto& yield) {
    yield.from(constant);
    yield.from(std::views::iota(5, 7));
    yield.from(std::vector{8});
  }};
  EXPECT_EQ(all_of(g), (std::vector{1, 2, 5, 6, 8}));
}

TYPED_TEST(GeneratorDelegate, ARangeOfReferencesYieldsItsElements) {
  std::vector<std::string> words{"a", "b"};
  coir::generator<std::string&, void, void, TypeParam> g{[&](auto& yield) { yield.from(words); }};
  for (std::string& word : g) word += "+";
  EXPECT_EQ(words, (std::vector<std::string>{"a+", "b+"}));
}

TYPED_TEST(GeneratorDelegate, ARangeIsLeftByThrowAndCloseAtItsElement) {
  talks<TypeParam> g{[&](auto& yield) {
    try {
      yield.from(std::vector<std::string>{"a", "b"});
    } catch (const std::runtime_error& error) {
      yield(error.what());
    }
  }};
  EXPECT_EQ(g.next(), "a");
  EXPECT_EQ(g.send("dropped"), "b");
  EXPECT_EQ(g.throw_(std::runtime_error("left")), "left");
  EXPECT_EQ(g.next(), std::nullopt);
}

TYPED_TEST(GeneratorDelegate, AGeneratorOfAnotherKindIsARange) {
  coir::generator<const int&, void, int, TypeParam> other{[](auto& yield) {
    yield(1);
    yield(2);
    return 3;
  }};
  numbers<TypeParam> g{[&](auto& yield) { yield.from(other); }};
  EXPECT_EQ(all_of(g), (std::vector{1, 2}));
}

TYPED_TEST(GeneratorDelegate, WorksWhereNothingIsYielded) {
  int steps = 0;
  coir::generator<void, int, int, TypeParam> sub{[&](auto& yield) {
    while (std::optional<int> n = yield()) steps += *n;
    return steps;
  }};
  coir::generator<void, int, int, TypeParam> g{[&](auto& yield) { return yield.from(sub); }};
  EXPECT_TRUE(g.next());
  EXPECT_TRUE(g.send(2));
  EXPECT_TRUE(g.send(3));
  EXPECT_FALSE(g.next());
  EXPECT_EQ(g.result(), 5);
}

struct node {
  int value;
  std::unique_ptr<node> left, right;
};

std::unique_ptr<node> balanced(int low, int high) {
  if (low > high) return nullptr;
  const int middle = (low + high) / 2;
  return std::unique_ptr<node>(
      new node{middle, balanced(low, middle - 1), balanced(middle + 1, high)});
}

template <class Context>
numbers<Context> walk(const node* tree) {
  return numbers<Context>{[tree](auto& yield) {
    if (tree == nullptr) return;
    yield.from(walk<Context>(tree->left.get()));
    yield(tree->value);
    yield.from(walk<Context>(tree->right.get()));
  }};
}

TYPED_TEST(GeneratorDelegate, WalksATreeInOrder) {
  auto tree = balanced(1, 100);
  int expected = 0;
  for (int value : walk<TypeParam>(tree.get())) EXPECT_EQ(value, ++expected);
  EXPECT_EQ(expected, 100);
}

}  // namespace
