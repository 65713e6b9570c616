// generator_test.cpp - the sentence that each misuse of a generator ends in.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using numbers = coir::generator<int, int, int>;
using yielder = coir::yielder<int, int>;

int one_two(yielder& yield) {
  yield(1);
  yield(2);
  return 3;
}

// What `call` throws, with its type, as a reader of a log would see it.
template <class Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (const coir::generator_error& error) {
    return std::string("generator_error: ") + error.what();
  } catch (const std::invalid_argument& error) {
    return std::string("invalid_argument: ") + error.what();
  }
  return "nothing";
}

TEST(GeneratorMisuse, NextOfARunningOne) {
  numbers* self = nullptr;
  numbers g{[&](yielder&) { return *self->next(); }};
  self = &g;
  EXPECT_EQ(thrown_by([&] { g.next(); }), "generator_error: generator already executing");
}

TEST(GeneratorMisuse, SendBeforeTheStart) {
  numbers g{one_two};
  EXPECT_EQ(thrown_by([&] { g.send(1); }),
            "generator_error: send to a generator that has not started");
}

TEST(GeneratorMisuse, ResultTooEarly) {
  numbers g{one_two};
  g.next();
  EXPECT_EQ(thrown_by([&] { g.result(); }), "generator_error: generator has not returned");
}

TEST(GeneratorMisuse, CloseOfABodyThatYieldsAgain) {
  numbers g{[](yielder& yield) {
    try {
      yield(1);
    } catch (...) {
    }
    return one_two(yield);
  }};
  g.next();
  EXPECT_EQ(thrown_by([&] { g.close(); }), "generator_error: generator ignored generator_exit");
}

TEST(GeneratorMisuse, ThrowOfANullExceptionPtr) {
  numbers g{one_two};
  g.next();
  EXPECT_EQ(thrown_by([&] { g.throw_(std::exception_ptr()); }),
            "invalid_argument: throw_: a null std::exception_ptr");
}

TEST(GeneratorMisuse, YieldFromOutside) {
  yielder* kept = nullptr;
  numbers g{[&](yielder& yield) {
    kept = &yield;
    return one_two(yield);
  }};
  g.next();
  EXPECT_EQ(thrown_by([&] { (*kept)(1); }),
            "generator_error: yield from outside the generator's body");
}

TEST(GeneratorMisuse, AStackTooSmallForItsBody) {
  std::vector<std::byte> memory(2048);
  std::array<char, 2000> large{};
  EXPECT_EQ(thrown_by([&] {
              numbers(coir::stack::over(memory), [large](yielder&) { return large[0]; });
            }),
            "invalid_argument: generator: the stack is too small for its body");
}

TEST(GeneratorMisuse, AnyUseOfOneThatWasMovedFrom) {
  numbers from{one_two};
  numbers to = std::move(from);
  const std::string expected = "generator_error: this generator was moved from";
  EXPECT_EQ(thrown_by([&] { from.next(); }), expected);
  EXPECT_EQ(thrown_by([&] { from.send(1); }), expected);
  EXPECT_EQ(thrown_by([&] { from.throw_(1); }), expected);
  EXPECT_EQ(thrown_by([&] { from.close(); }), expected);
  EXPECT_EQ(thrown_by([&] { from.result(); }), expected);
  EXPECT_EQ(thrown_by([&] { from.begin(); }), expected);
  EXPECT_EQ(thrown_by([&] { static_cast<void>(from.state()); }), expected);
  EXPECT_EQ(to.next(), 1);
}

TEST(GeneratorMisuse, DelegationToOneThatWasMovedFrom) {
  numbers from{one_two};
  numbers to = std::move(from);
  numbers g{[&](yielder& yield) { return yield.from(from); }};
  EXPECT_EQ(thrown_by([&] { g.next(); }), "generator_error: this generator was moved from");
}

class GeneratorDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "fast"); }
};

// Made and resumed in the process that dies.
void destroys_itself() {
  std::optional<numbers> g;
  g.emplace([&](yielder& yield) {
    g.reset();
    return one_two(yield);
  });
  g->next();
}

void assigns_over_itself() {
  numbers* self = nullptr;
  numbers g{[&](yielder& yield) {
    *self = numbers(one_two);
    return one_two(yield);
  }};
  self = &g;
  g.next();
}

TEST_F(GeneratorDeathTest, DestroyedWhileItsBodyRuns) {
  EXPECT_DEATH(destroys_itself(), "coir: a generator is destroyed while its body runs");
  EXPECT_DEATH(assigns_over_itself(), "coir: a generator is destroyed while its body runs");
}

// Catches what it is told `times` times, then lets it pass.
void destroys_one_that_ignores_exit(int times) {
  numbers g{[times](yielder& yield) {
    for (int i = 0; i < times; ++i) {
      try {
        yield(i);
      } catch (const coir::generator_exit&) {
      }
    }
    return one_two(yield);
  }};
  g.next();
}

TEST_F(GeneratorDeathTest, DestroyedWhileItsBodyYieldsAHundredTimes) {
  const char* sentence =
      "coir: a generator is destroyed, but its body catches generator_exit and yields again; told "
      "to exit 100 times";
  EXPECT_DEATH(destroys_one_that_ignores_exit(100), sentence);
  EXPECT_DEATH(destroys_one_that_ignores_exit(1'000'000), sentence);
  destroys_one_that_ignores_exit(99);
}

template <class Exception>
void destroys_one_that_throws(Exception exception) {
  numbers g{[=](yielder& yield) {
    try {
      return one_two(yield);
    } catch (...) {
      throw exception;
    }
  }};
  g.next();
}

// Lives on after `call`, so that what was said is no last word.
template <class Call>
[[noreturn]] void goes_on(Call call) {
  call();
  std::_Exit(7);
}

TEST_F(GeneratorDeathTest, AnotherExceptionAtTheDestructorGoesToStderrAndTheProgramGoesOn) {
  EXPECT_EXIT(goes_on([] { destroys_one_that_throws(std::runtime_error("disk full")); }),
              testing::ExitedWithCode(7),
              "coir: an exception left a generator closed by its destructor: disk full");
  EXPECT_EXIT(goes_on([] { destroys_one_that_throws(42); }), testing::ExitedWithCode(7),
              "coir: an exception not derived from std::exception left a generator closed by its "
              "destructor");
}

TEST_F(GeneratorDeathTest, AGeneratorExitAtTheDestructorIsNotWorthAWord) {
  EXPECT_EXIT(goes_on([] { destroys_one_that_throws(coir::generator_exit{}); }),
              testing::ExitedWithCode(7), "^$");
}

}  // namespace
