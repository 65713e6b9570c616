// generator_throw_test.cpp - throw_ and close: exceptions that go into a body.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorThrow : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorThrow, coir_test::every_context, coir_test::context_names);

template <class Context, class Yield = int, class Return = void>
using numbers = coir::generator<Yield, void, Return, Context>;

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

// Yields 1, 2, 3, ... and answers an exception by the length of its text.
template <class Yielder>
void answers(Yielder& yield) {
  int next = 1;
  while (true) {
    try {
      yield(next++);
    } catch (const std::exception& error) {
      next = static_cast<int>(std::string(error.what()).size());
    }
  }
}

TYPED_TEST(GeneratorThrow, ThrowsAtTheYieldAndReturnsWhatIsYieldedNext) {
  numbers<TypeParam> g{[](auto& yield) { answers(yield); }};
  EXPECT_EQ(g.next(), 1);
  EXPECT_EQ(g.throw_(std::runtime_error("four")), 4);
  EXPECT_EQ(g.next(), 5);
  EXPECT_EQ(g.state(), g.suspended);
}

TYPED_TEST(GeneratorThrow, TakesAnExceptionPtrAnObjectOrAnythingElse) {
  numbers<TypeParam, std::string> g{[](auto& yield) {
    std::string caught = "first";
    while (true) {
      try {
        yield(caught);
      } catch (int thrown) {
        caught = std::to_string(thrown);
      } catch (const char* thrown) {
        caught = thrown;
      } catch (const std::exception& thrown) {
        caught = thrown.what();
      }
    }
  }};
  g.next();
  EXPECT_EQ(g.throw_(7), "7");
  EXPECT_EQ(g.throw_("a literal"), "a literal");
  const std::out_of_range named("a named one");
  EXPECT_EQ(g.throw_(named), "a named one");
  EXPECT_EQ(g.throw_(std::make_exception_ptr(8)), "8");
  const std::exception_ptr pointer = std::make_exception_ptr(9);
  EXPECT_EQ(g.throw_(pointer), "9");
  EXPECT_EQ(g.throw_(pointer), "9");
}

TYPED_TEST(GeneratorThrow, ANullExceptionPtrIsRefusedAndChangesNothing) {
  numbers<TypeParam> g{[](auto& yield) { answers(yield); }};
  EXPECT_THROW(g.throw_(std::exception_ptr()), std::invalid_argument);
  EXPECT_EQ(g.state(), g.created);
  EXPECT_EQ(g.next(), 1);
  EXPECT_THROW(g.throw_(std::exception_ptr()), std::invalid_argument);
  EXPECT_EQ(g.next(), 2);
}

TYPED_TEST(GeneratorThrow, WhatTheBodyDoesNotCatchComesBackAndCloses) {
  numbers<TypeParam> g{[](auto& yield) { yield(1); }};
  g.next();
  EXPECT_EQ(error_of([&] { g.throw_(std::runtime_error("back")); }), "back");
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorThrow, TheObjectThatComesBackIsTheOneThatWentIn) {
  numbers<TypeParam> g{[](auto& yield) { yield(1); }};
  g.next();
  std::exception_ptr sent = std::make_exception_ptr(std::runtime_error("same"));
  try {
    g.throw_(sent);
    FAIL() << "nothing was thrown";
  } catch (...) {
    EXPECT_EQ(std::current_exception(), sent);
  }
}

TYPED_TEST(GeneratorThrow, ABodyThatReturnsForItEndsQuietly) {
  numbers<TypeParam, int, std::string> g{[](auto& yield) -> std::string {
    try {
      yield(1);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "not thrown at";
  }};
  g.next();
  EXPECT_EQ(g.throw_(std::runtime_error("reason")), std::nullopt);
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_EQ(g.result(), "reason");
}

TYPED_TEST(GeneratorThrow, ABodyMayThrowAnotherInstead) {
  numbers<TypeParam> g{[](auto& yield) {
    try {
      yield(1);
    } catch (...) {
      std::throw_with_nested(std::logic_error("outer"));
    }
  }};
  g.next();
  try {
    g.throw_(std::runtime_error("inner"));
    FAIL() << "nothing was thrown";
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), "outer");
    EXPECT_EQ(error_of([&] { std::rethrow_if_nested(error); }), "inner");
  }
}

TYPED_TEST(GeneratorThrow, BeforeTheFirstNextItThrowsHereAndCloses) {
  bool ran = false;
  numbers<TypeParam> g{[&](auto&) { ran = true; }};
  EXPECT_EQ(error_of([&] { g.throw_(std::runtime_error("too early")); }), "too early");
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_EQ(g.next(), std::nullopt);
  EXPECT_FALSE(ran);
}

TYPED_TEST(GeneratorThrow, AfterTheEndItThrowsHere) {
  numbers<TypeParam> g{[](auto&) {}};
  g.next();
  EXPECT_EQ(error_of([&] { g.throw_(std::runtime_error("too late")); }), "too late");
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorThrow, AGeneratorExitThrownInComesBackLikeAnyOther) {
  numbers<TypeParam> g{[](auto& yield) { yield(1); }};
  g.next();
  EXPECT_THROW(g.throw_(coir::generator_exit{}), coir::generator_exit);
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorThrow, CloseThrowsGeneratorExitAtTheYieldAndUnwinds) {
  auto token = std::make_shared<int>(1);
  bool exited = false;
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
  g.close();
  EXPECT_TRUE(exited);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_EQ(g.next(), std::nullopt);
}

TYPED_TEST(GeneratorThrow, CloseIsIdempotent) {
  int unwound = 0;
  numbers<TypeParam> g{[&](auto& yield) {
    try {
      yield(1);
    } catch (...) {
      ++unwound;
      throw;
    }
  }};
  g.next();
  for (int i = 0; i < 3; ++i) g.close();
  EXPECT_EQ(unwound, 1);
}

TYPED_TEST(GeneratorThrow, CloseBeforeTheFirstNextRunsNothing) {
  bool ran = false;
  numbers<TypeParam> g{[&](auto&) { ran = true; }};
  g.close();
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_EQ(g.next(), std::nullopt);
  EXPECT_FALSE(ran);
}

TYPED_TEST(GeneratorThrow, CloseAfterTheEndDoesNothing) {
  numbers<TypeParam, int, int> g{[](auto&) { return 3; }};
  g.next();
  g.close();
  EXPECT_EQ(g.result(), 3);
}

TYPED_TEST(GeneratorThrow, ABodyMayReturnForGeneratorExit) {
  numbers<TypeParam, int, int> g{[](auto& yield) {
    try {
      yield(1);
    } catch (const coir::generator_exit&) {
    }
    return 3;
  }};
  g.next();
  g.close();
  EXPECT_EQ(g.state(), g.closed);
  EXPECT_EQ(g.result(), 3);
}

TYPED_TEST(GeneratorThrow, CloseOfABodyThatYieldsAgainIsAnErrorAndLeavesItSuspended) {
  numbers<TypeParam> g{[](auto& yield) {
    try {
      yield(1);
    } catch (const coir::generator_exit&) {
    }
    yield(2);
    yield(3);
  }};
  g.next();
  EXPECT_EQ(error_of([&] { g.close(); }), "generator ignored generator_exit");
  EXPECT_EQ(g.state(), g.suspended);
  EXPECT_EQ(g.next(), 3);
  g.close();
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorThrow, AnotherExceptionPassesThroughClose) {
  numbers<TypeParam> g{[](auto& yield) {
    try {
      yield(1);
    } catch (...) {
      throw std::runtime_error("while closing");
    }
  }};
  g.next();
  EXPECT_EQ(error_of([&] { g.close(); }), "while closing");
  EXPECT_EQ(g.state(), g.closed);
  g.close();
}

TYPED_TEST(GeneratorThrow, CatchingStdExceptionDoesNotStopAClose) {
  numbers<TypeParam> g{[](auto& yield) { answers(yield); }};
  g.next();
  g.close();
  EXPECT_EQ(g.state(), g.closed);
}

}  // namespace
