// generator_test.cpp - a generator's states, and which call leads from one to the next.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorTest : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorTest, coir_test::every_context, coir_test::context_names);

template <class Context, class Yield = int, class Return = void>
using numbers = coir::generator<Yield, void, Return, Context>;

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const coir::generator_error& error) {
    return error.what();
  }
  return "none";
}

static_assert(!std::is_copy_constructible_v<coir::generator<int>>);
static_assert(!std::is_copy_assignable_v<coir::generator<int>>);
static_assert(std::is_nothrow_move_constructible_v<coir::generator<int>>);
static_assert(std::is_nothrow_move_assignable_v<coir::generator<int>>);
static_assert(sizeof(coir::generator<int>) == sizeof(void*));
static_assert(std::is_base_of_v<std::logic_error, coir::generator_error>);
static_assert(!std::is_base_of_v<std::exception, coir::generator_exit>);

TYPED_TEST(GeneratorTest, OneThatWasNotResumedHasRunNothing) {
  bool ran = false;
  {
    numbers<TypeParam> g{[&](auto&) { ran = true; }};
    EXPECT_EQ(g.state(), g.created);
  }
  EXPECT_FALSE(ran);
}

TYPED_TEST(GeneratorTest, NextRunsTheBodyFromOneYieldToTheNext) {
  std::string trace;
  numbers<TypeParam> g{[&](auto& yield) {
    trace += "a";
    yield(1);
    trace += "b";
    yield(2);
    trace += "c";
  }};
  EXPECT_EQ(g.next(), 1);
  EXPECT_EQ(trace, "a");
  EXPECT_EQ(g.next(), 2);
  EXPECT_EQ(trace, "ab");
  EXPECT_EQ(g.next(), std::nullopt);
  EXPECT_EQ(trace, "abc");
}

TYPED_TEST(GeneratorTest, TheStateFollowsTheBody) {
  coir::generator_state inside{};
  numbers<TypeParam>* self = nullptr;
  numbers<TypeParam> g{[&](auto& yield) {
    inside = self->state();
    yield(1);
  }};
  self = &g;
  EXPECT_EQ(g.state(), coir::generator_state::created);
  g.next();
  EXPECT_EQ(inside, coir::generator_state::running);
  EXPECT_EQ(g.state(), coir::generator_state::suspended);
  g.next();
  EXPECT_EQ(g.state(), coir::generator_state::closed);
}

TYPED_TEST(GeneratorTest, TheStatesAreNamedByTheTypeToo) {
  coir::generator<int> g{[](auto& yield) { yield(1); }};
  EXPECT_EQ(g.state(), coir::generator<int>::created);
  g.close();
  EXPECT_EQ(g.state(), coir::generator<int>::closed);
}

TYPED_TEST(GeneratorTest, AClosedOneYieldsNothingHoweverOftenItIsAsked) {
  numbers<TypeParam> g{[](auto& yield) { yield(1); }};
  while (g.next()) {
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(g.next(), std::nullopt);
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorTest, ABodyThatYieldsNothingEndsAtTheFirstNext) {
  numbers<TypeParam> g{[](auto&) {}};
  EXPECT_EQ(g.next(), std::nullopt);
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorTest, ResultIsWhatTheBodyReturned) {
  numbers<TypeParam, int, std::string> g{[](auto& yield) {
    yield(1);
    return "done";
  }};
  while (g.next()) {
  }
  EXPECT_EQ(g.result(), "done");
  g.result() += " twice";
  EXPECT_EQ(g.result(), "done twice");
  g.close();
  EXPECT_EQ(g.result(), "done twice");
}

TYPED_TEST(GeneratorTest, ThereIsNoResultBeforeTheBodyHasReturned) {
  numbers<TypeParam, int, int>* self = nullptr;
  std::string inside;
  numbers<TypeParam, int, int> g{[&](auto& yield) {
    inside = error_of([&] { self->result(); });
    yield(1);
    return 7;
  }};
  self = &g;
  EXPECT_EQ(error_of([&] { g.result(); }), "generator has not returned");
  g.next();
  EXPECT_EQ(inside, "generator has not returned");
  EXPECT_EQ(error_of([&] { g.result(); }), "generator has not returned");
  g.next();
  EXPECT_EQ(g.result(), 7);
}

TYPED_TEST(GeneratorTest, ThereIsNoResultOfABodyThatNeverReturned) {
  numbers<TypeParam, int, int> closed{[](auto& yield) {
    yield(1);
    return 7;
  }};
  closed.next();
  closed.close();
  EXPECT_EQ(error_of([&] { closed.result(); }), "generator has not returned");
  numbers<TypeParam, int, int> failed{[](auto&) -> int { throw std::runtime_error("no"); }};
  EXPECT_THROW(failed.next(), std::runtime_error);
  EXPECT_EQ(error_of([&] { failed.result(); }), "generator has not returned");
}

TYPED_TEST(GeneratorTest, AVoidResultTellsWhetherTheBodyReturned) {
  numbers<TypeParam> g{[](auto& yield) { yield(1); }};
  EXPECT_THROW(g.result(), coir::generator_error);
  g.next();
  EXPECT_THROW(g.result(), coir::generator_error);
  g.next();
  EXPECT_NO_THROW(g.result());
}

TYPED_TEST(GeneratorTest, AnExceptionThatLeavesTheBodyReachesTheResumerAndCloses) {
  numbers<TypeParam> g{[](auto& yield) {
    yield(1);
    throw std::runtime_error("out");
  }};
  EXPECT_EQ(g.next(), 1);
  try {
    g.next();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "out");
  }
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_EQ(g.next(), std::nullopt);
}

TYPED_TEST(GeneratorTest, AnythingCanBeThrownOutOfTheBody) {
  numbers<TypeParam> g{[](auto&) { throw 42; }};
  try {
    g.next();
    FAIL() << "nothing was thrown";
  } catch (int thrown) {
    EXPECT_EQ(thrown, 42);
  }
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorTest, ResumedWhileItRunsItRefusesAndGoesOn) {
  using generator = coir::generator<int, int, void, TypeParam>;
  generator* self = nullptr;
  generator g{[&](auto& yield) {
    const std::string refusal = "generator already executing";
    EXPECT_EQ(error_of([&] { self->next(); }), refusal);
    EXPECT_EQ(error_of([&] { self->send(1); }), refusal);
    EXPECT_EQ(error_of([&] { self->throw_(std::runtime_error("no")); }), refusal);
    EXPECT_EQ(error_of([&] { self->close(); }), refusal);
    EXPECT_EQ(error_of([&] { self->begin(); }), refusal);
    EXPECT_EQ(self->state(), self->running);
    yield(1);
    yield(2);
  }};
  self = &g;
  EXPECT_EQ(g.next(), 1);
  EXPECT_EQ(g.next(), 2);
}

TYPED_TEST(GeneratorTest, ResumedFromAnotherGeneratorsBodyWhileItRunsItRefuses) {
  numbers<TypeParam>* outer_self = nullptr;
  numbers<TypeParam> inner{[&](auto& yield) {
    EXPECT_EQ(error_of([&] { outer_self->next(); }), "generator already executing");
    yield(5);
  }};
  numbers<TypeParam> outer{[&](auto& yield) { yield(*inner.next() + 1); }};
  outer_self = &outer;
  EXPECT_EQ(outer.next(), 6);
}

TYPED_TEST(GeneratorTest, ARefusalThatTheBodyDoesNotCatchEndsIt) {
  numbers<TypeParam>* self = nullptr;
  numbers<TypeParam> g{[&](auto& yield) { yield(*self->next()); }};
  self = &g;
  EXPECT_EQ(error_of([&] { g.next(); }), "generator already executing");
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorTest, TheBodyAndWhatItCapturedLiveAsLongAsTheGenerator) {
  auto token = std::make_shared<int>(1);
  {
    numbers<TypeParam> g{[token](auto& yield) { yield(*token); }};
    EXPECT_EQ(token.use_count(), 2);
    while (g.next()) {
    }
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(GeneratorTest, TheDestructorUnwindsASuspendedBody) {
  auto token = std::make_shared<int>(1);
  bool exited = false;
  {
    numbers<TypeParam> g{[&](auto& yield) {
      auto local = token;
      try {
        yield(1);
      } catch (const coir::generator_exit&) {
        exited = true;
        throw;
      }
    }};
    g.next();
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_TRUE(exited);
  EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(GeneratorTest, TheDestructorAsksABodyThatYieldsAgainUntilItEnds) {
  for (int stubborn : {1, 2, 99}) {
    int caught = 0;
    {
      numbers<TypeParam> g{[&](auto& yield) {
        while (caught < stubborn) {
          try {
            yield(1);
          } catch (const coir::generator_exit&) {
            ++caught;
          }
        }
        yield(2);
      }};
      g.next();
    }
    EXPECT_EQ(caught, stubborn);
  }
}

TYPED_TEST(GeneratorTest, MoveAssignmentClosesWhatWasThere) {
  auto token = std::make_shared<int>(1);
  auto body = [token](auto& yield) { yield(*token); };
  numbers<TypeParam> g{body};
  g.next();
  const long with_one = token.use_count();
  g = numbers<TypeParam>{body};
  EXPECT_EQ(token.use_count(), with_one);
  EXPECT_EQ(g.state(), g.created);
  EXPECT_EQ(g.next(), 1);
}

}  // namespace
