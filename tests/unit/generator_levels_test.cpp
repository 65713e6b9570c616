// generator_levels_test.cpp - yield.from: next, send, throw_ and close pass through every level.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorLevels : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorLevels, coir_test::every_context, coir_test::context_names);

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

// `depth` levels above one that answers what it is sent and what it is thrown.
template <class Context>
talks<Context> tower(int depth, std::string& trace) {
  return talks<Context>{[depth, &trace](auto& yield) {
    try {
      if (depth > 0) {
        auto below = tower<Context>(depth - 1, trace);
        yield.from(below);
      } else {
        std::string said = "first";
        while (true) {
          try {
            auto sent = yield(said);
            said = sent ? "sent " + *sent : "next";
          } catch (const std::runtime_error& error) {
            said = std::string("thrown ") + error.what();
          }
        }
      }
    } catch (const coir::generator_exit&) {
      trace += "exit " + std::to_string(depth) + ", ";
      throw;
    } catch (const std::logic_error& error) {
      trace += std::string(error.what()) + " " + std::to_string(depth) + ", ";
      throw;
    }
  }};
}

TYPED_TEST(GeneratorLevels, NextSendAndThrowReachTheInnermost) {
  for (int depth : {0, 1, 3, 20}) {
    std::string trace;
    auto g = tower<TypeParam>(depth, trace);
    EXPECT_EQ(g.next(), "first");
    EXPECT_EQ(g.send("a"), "sent a");
    EXPECT_EQ(g.next(), "next");
    EXPECT_EQ(g.throw_(std::runtime_error("b")), "thrown b");
    EXPECT_EQ(g.send("c"), "sent c");
    EXPECT_EQ(trace, "");
  }
}

TYPED_TEST(GeneratorLevels, CloseUnwindsFromTheInnermostOut) {
  std::string trace;
  auto g = tower<TypeParam>(3, trace);
  g.next();
  g.close();
  EXPECT_EQ(trace, "exit 0, exit 1, exit 2, exit 3, ");
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorLevels, TheDestructorUnwindsFromTheInnermostOut) {
  std::string trace;
  {
    auto g = tower<TypeParam>(2, trace);
    g.next();
  }
  EXPECT_EQ(trace, "exit 0, exit 1, exit 2, ");
}

TYPED_TEST(GeneratorLevels, AnExceptionPassesEveryLevelOnItsWayOut) {
  std::string trace;
  auto g = tower<TypeParam>(2, trace);
  g.next();
  EXPECT_EQ(error_of([&] { g.throw_(std::logic_error("no")); }), "no");
  EXPECT_EQ(trace, "no 0, no 1, no 2, ");
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorLevels, TheOuterBodyMayCatchAndGoOn) {
  numbers<TypeParam> sub{[](auto& yield) {
    yield(1);
    throw std::runtime_error("inner");
  }};
  numbers<TypeParam> g{[&](auto& yield) {
    try {
      yield.from(sub);
    } catch (const std::runtime_error&) {
      yield(-1);
    }
    yield(2);
  }};
  for (int expected : {1, -1, 2}) EXPECT_EQ(g.next(), expected);
}

TYPED_TEST(GeneratorLevels, AThrowThatEndsTheInnerOneGivesItsResult) {
  numbers<TypeParam, int> sub{[](auto& yield) {
    try {
      yield(1);
    } catch (const std::runtime_error&) {
    }
    return 50;
  }};
  numbers<TypeParam> g{[&](auto& yield) { yield(yield.from(sub)); }};
  EXPECT_EQ(g.next(), 1);
  EXPECT_EQ(g.throw_(std::runtime_error("on")), 50);
}

TYPED_TEST(GeneratorLevels, AThrowAtAnInnerOneThatWasClosedElsewhereIsThrownInTheOuterBody) {
  numbers<TypeParam> sub{[](auto& yield) { yield(1); }};
  numbers<TypeParam> g{[&](auto& yield) {
    try {
      yield.from(sub);
    } catch (const std::runtime_error&) {
      yield(-1);
    }
  }};
  g.next();
  sub.close();
  EXPECT_EQ(g.throw_(std::runtime_error("not lost")), -1);
}

// Returns quietly when it is told to exit.
template <class Context>
numbers<Context> yields_one_and_swallows_exit() {
  return numbers<Context>{[](auto& yield) {
    try {
      yield(1);
    } catch (const coir::generator_exit&) {
    }
  }};
}

TYPED_TEST(GeneratorLevels, AnExitThatTheInnerOneSwallowsStillReachesTheOuterOne) {
  for (bool by_throw : {false, true}) {
    auto sub = yields_one_and_swallows_exit<TypeParam>();
    bool exited = false, went_on = false;
    numbers<TypeParam> g{[&](auto& yield) {
      try {
        yield.from(sub);
        went_on = true;
      } catch (const coir::generator_exit&) {
        exited = true;
        throw;
      }
    }};
    g.next();
    if (by_throw) {
      EXPECT_THROW(g.throw_(coir::generator_exit{}), coir::generator_exit);
    } else {
      g.close();
    }
    EXPECT_TRUE(exited);
    EXPECT_FALSE(went_on);
    EXPECT_EQ(g.state(), g.closed);
    EXPECT_EQ(sub.state(), sub.closed);
  }
}

TYPED_TEST(GeneratorLevels, AnInnerOneThatIgnoresExitIsAnErrorInTheOuterBody) {
  numbers<TypeParam> sub{[](auto& yield) {
    try {
      yield(1);
    } catch (const coir::generator_exit&) {
    }
    yield(2);
  }};
  std::string caught;
  numbers<TypeParam> g{[&](auto& yield) { caught = error_of([&] { yield.from(sub); }); }};
  g.next();
  g.close();
  EXPECT_EQ(caught, "generator ignored generator_exit");
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_EQ(sub.state(), sub.suspended);
}

}  // namespace
