// outcome_test.cpp - a value, an exception, or that a task was cancelled.
// SPDX-License-Identifier: BSL-1.0
#include <coir/outcome.hpp>

#include <coir/gather.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::text_of;
using coir_test::thrown_by;

class OutcomeTest : public coir_test::task_test {};
INSTANTIATE_TEST_SUITE_P(Workers, OutcomeTest, coir_test::one_and_several_workers());

template <class T>
coir::outcome<T> settled(coir::task<T> t) {
  t.join();
  return coir::outcome<T>(t);
}

static_assert(std::is_copy_constructible_v<coir::outcome<int>>);
static_assert(!std::is_copy_constructible_v<coir::outcome<std::unique_ptr<int>>>);
static_assert(std::is_move_constructible_v<coir::outcome<std::unique_ptr<int>>>);
static_assert(!std::is_convertible_v<coir::outcome<int>, bool>);

TEST_P(OutcomeTest, OfATaskThatReturnedItIsTheValue) {
  static int place = 3;
  run([] {
    auto words = settled(coir::spawn([] { return std::string("words"); }));
    EXPECT_TRUE(words.has_value());
    EXPECT_TRUE(words);
    EXPECT_FALSE(words.cancelled());
    EXPECT_EQ(words.exception(), nullptr);
    EXPECT_EQ(*words, "words");
    EXPECT_EQ(words->size(), 5U);
    words.value() += '!';
    EXPECT_EQ(std::as_const(words).value(), "words!");
    static_assert(std::is_same_v<decltype(std::as_const(words).value()), const std::string&>);
    static_assert(std::is_same_v<decltype(*std::move(words)), std::string>);
    EXPECT_EQ(*std::move(words), "words!");

    auto reference = settled(coir::spawn([]() -> int& { return place; }));
    EXPECT_EQ(&*reference, &place);
    EXPECT_EQ(&std::as_const(reference).value(), &place);
    EXPECT_EQ(reference.operator->(), &place);

    auto owned = settled(coir::spawn([] { return std::make_unique<int>(4); }));
    EXPECT_EQ(**owned, 4);
    EXPECT_EQ(*std::move(owned).value(), 4);

    auto nothing = settled(coir::spawn([] {}));
    EXPECT_TRUE(nothing.has_value());
    static_assert(std::is_void_v<decltype(nothing.value())>);
    nothing.value();
    *std::as_const(nothing);
    *std::move(nothing);
  });
}

TEST_P(OutcomeTest, OfATaskThatThrewItIsTheException) {
  run([] {
    auto failed = settled(coir::spawn([]() -> int { throw std::runtime_error("thrown"); }));
    EXPECT_FALSE(failed);
    EXPECT_FALSE(failed.has_value());
    EXPECT_FALSE(failed.cancelled());
    EXPECT_EQ(text_of(failed.exception()), "thrown");
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(thrown_by([&] { static_cast<void>(failed.value()); }), "thrown");
      EXPECT_EQ(thrown_by([&] { static_cast<void>(*std::as_const(failed)); }), "thrown");
      EXPECT_EQ(thrown_by([&] { static_cast<void>(failed.operator->()); }), "thrown");
    }
    auto copy = failed;
    EXPECT_EQ(copy.exception(), failed.exception());
    EXPECT_EQ(thrown_by([&] { static_cast<void>(std::move(copy).value()); }), "thrown");
  });
}

TEST_P(OutcomeTest, OfATaskThatWasCancelledItIsThat) {
  run([] {
    auto told = coir::spawn([] { coir::this_fiber::sleep_for(1h); });
    coir::this_fiber::sleep_for(1s);
    told.cancel("enough");
    // Pinned, or an idle worker might start it before it is cancelled.
    auto never_ran = coir::spawn({.pinned = true}, [] { FAIL(); });
    never_ran.cancel();
    for (const auto& outcome : {settled(told), settled(never_ran)}) {
      EXPECT_FALSE(outcome);
      EXPECT_TRUE(outcome.cancelled());
      EXPECT_NE(outcome.exception(), nullptr);
      EXPECT_THROW(outcome.value(), coir::cancelled);
    }
    try {
      settled(told).value();
    } catch (const coir::cancelled& thrown) {
      EXPECT_EQ(thrown.message(), "enough");
    }
  });
}

TEST_P(OutcomeTest, AResultThatWasTakenBeforeIsAFutureError) {
  run([] {
    auto t = coir::spawn([] { return 1; });
    t.take();
    EXPECT_THROW(settled(t), std::future_error);
  });
}

TEST_P(OutcomeTest, OfATaskThatHasNotEndedThereIsNone) {
  run([] {
    auto pending = coir::spawn([] {
      coir::this_fiber::sleep_for(1s);
      return 1;
    });
    EXPECT_THROW(coir::outcome<int>{pending}, std::logic_error);
    EXPECT_THROW(coir::outcome<int>{coir::task<int>()}, std::logic_error);
    EXPECT_EQ(*settled(pending), 1);
  });
}

TEST_P(OutcomeTest, ItLooksAtTheException) {
  run([] {
    auto t = coir::spawn([] { throw std::runtime_error("seen"); });
    t.join();
    coir::outcome<void> outcome(t);
    t = {};
    EXPECT_EQ(text_of(outcome.exception()), "seen");
  });
}

TEST_P(OutcomeTest, ItOutlivesTheRuntime) {
  std::optional<coir::outcome<std::string>> kept;
  run([&] { kept.emplace(settled(coir::spawn([] { return std::string(100, 'x'); }))); });
  EXPECT_EQ((*kept)->size(), 100U);
}

}  // namespace
