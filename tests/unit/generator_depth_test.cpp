// generator_depth_test.cpp - a body yields from any depth of its calls, and nowhere else.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorDepth : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorDepth, coir_test::every_context, coir_test::context_names);

template <class Context, class Yield = int>
using yields = coir::generator<Yield, void, void, Context>;

// Yields on the way down and on the way up.
template <class Yielder>
[[gnu::noinline]] int dive(Yielder& yield, int depth) {
  std::array<volatile int, 8> frame{};
  frame[0] = depth;
  yield(depth);
  const int below = depth == 0 ? 0 : dive(yield, depth - 1);
  yield(-depth);
  return below + frame[0];
}

TYPED_TEST(GeneratorDepth, YieldsFromTheDepthOfARecursion) {
  yields<TypeParam> g{[](auto& yield) { yield(1000 + dive(yield, 100)); }};
  for (int depth = 100; depth >= 0; --depth) EXPECT_EQ(g.next(), depth);
  for (int depth = 0; depth <= 100; ++depth) EXPECT_EQ(g.next(), -depth);
  EXPECT_EQ(g.next(), 1000 + 5050);
  EXPECT_EQ(g.next(), std::nullopt);
}

TYPED_TEST(GeneratorDepth, YieldsFromInsideASortComparator) {
  std::vector<int> values;
  for (int i = 0; i < 100; ++i) values.push_back(i * 37 % 101);
  std::vector<int> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  yields<TypeParam, std::pair<int, int>> g{[&](auto& yield) {
    std::sort(values.begin(), values.end(), [&](int a, int b) {
      yield({a, b});
      return a < b;
    });
  }};
  int comparisons = 0;
  while (g.next()) ++comparisons;
  EXPECT_GT(comparisons, 100);
  EXPECT_EQ(values, sorted);
}

TYPED_TEST(GeneratorDepth, CanBeClosedInsideASortComparator) {
  std::vector<std::shared_ptr<int>> values;
  for (int i = 0; i < 50; ++i) values.push_back(std::make_shared<int>(i * 37 % 53));
  {
    yields<TypeParam> g{[copy = values](auto& yield) mutable {
      std::sort(copy.begin(), copy.end(), [&](auto& a, auto& b) {
        yield(*a);
        return *a < *b;
      });
    }};
    for (int i = 0; i < 20; ++i) g.next();
  }
  for (auto& value : values) EXPECT_EQ(value.use_count(), 1);
}

TYPED_TEST(GeneratorDepth, CallbacksOfAnyKindMayYield) {
  yields<TypeParam> g{[](auto& yield) {
    std::function<void(int)> visit = [&](int n) { yield(n); };
    std::for_each_n(std::array{1, 2, 3}.begin(), 3, visit);
  }};
  int sum = 0;
  for (int x : g) sum = sum * 10 + x;
  EXPECT_EQ(sum, 123);
}

TYPED_TEST(GeneratorDepth, AGeneratorMayDriveOthersInItsBody) {
  yields<TypeParam> g{[](auto& yield) {
    for (int i = 1; i <= 3; ++i) {
      yields<TypeParam> inner{[i](auto& inner_yield) {
        for (int j = 0; j < i; ++j) inner_yield(10 * i + j);
      }};
      for (int x : inner) yield(x);
    }
  }};
  std::vector<int> all;
  for (int x : g) all.push_back(x);
  EXPECT_EQ(all, (std::vector{10, 20, 21, 30, 31, 32}));
}

TYPED_TEST(GeneratorDepth, AGeneratorMayYieldGenerators) {
  using inner = yields<TypeParam>;
  coir::generator<inner, void, void, TypeParam> outer{[](auto& yield) {
    for (int i = 0;; ++i) {
      yield(inner{[i](auto& inner_yield) {
        inner_yield(i);
        inner_yield(i * i);
      }});
    }
  }};
  outer.next();
  std::optional<inner> one = outer.next();
  std::optional<inner> two = outer.next();
  EXPECT_EQ(one->next(), 1);
  EXPECT_EQ(two->next(), 2);
  EXPECT_EQ(one->next(), 1);
  EXPECT_EQ(two->next(), 4);
  EXPECT_EQ(two->next(), std::nullopt);
}

// The yielder of a body defined elsewhere; declared here as a header would.
void spells(coir::yielder<std::string>& yield, const std::string& word);

TEST(GeneratorYielder, CrossesAFunctionBoundary) {
  coir::generator<std::string> g{[](coir::yielder<std::string>& yield) { spells(yield, "abc"); }};
  std::string all;
  for (const std::string& s : g) all += s;
  EXPECT_EQ(all, "aababc");
}

void spells(coir::yielder<std::string>& yield, const std::string& word) {
  for (std::size_t i = 1; i <= word.size(); ++i) yield(word.substr(0, i));
}

const char* const outside = "yield from outside the generator's body";

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const coir::generator_error& error) {
    return error.what();
  }
  return "none";
}

TYPED_TEST(GeneratorDepth, TheResumersStackCannotYield) {
  using yielder = coir::yielder<int, void, TypeParam>;
  yielder* kept = nullptr;
  yields<TypeParam> g{[&](auto& yield) {
    kept = &yield;
    yield(1);
    yield(2);
  }};
  g.next();
  EXPECT_EQ(error_of([&] { (*kept)(7); }), outside);
  EXPECT_EQ(error_of([&] { kept->from(std::vector{7}); }), outside);
  EXPECT_EQ(g.next(), 2);
  g.next();
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_EQ(error_of([&] { (*kept)(7); }), outside) << "after the body's end";
}

TYPED_TEST(GeneratorDepth, AnotherGeneratorsBodyCannotYieldForIt) {
  yields<TypeParam> outer{[](auto& yield) {
    yields<TypeParam> inner{[&](auto& inner_yield) {
      EXPECT_EQ(error_of([&] { yield(7); }), outside);
      inner_yield(1);
    }};
    yield(*inner.next() + 1);
  }};
  EXPECT_EQ(outer.next(), 2);
  EXPECT_EQ(outer.next(), std::nullopt);
}

TYPED_TEST(GeneratorDepth, ADestructorOfACaptureCannotYield) {
  using yielder = coir::yielder<int, void, TypeParam>;
  struct tries_to_yield {
    std::string* said;
    yielder** kept;
    ~tries_to_yield() {
      *said = error_of([&] { (**kept)(7); });
    }
  };
  std::string said;
  yielder* kept = nullptr;
  {
    std::unique_ptr<tries_to_yield> last(new tries_to_yield{&said, &kept});
    yields<TypeParam> g{[&kept, last = std::move(last)](auto& yield) {
      kept = &yield;
      yield(1);
    }};
    g.next();
  }
  EXPECT_EQ(said, outside);
}

}  // namespace
