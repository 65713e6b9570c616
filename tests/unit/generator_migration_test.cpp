// generator_migration_test.cpp - a generator moves between resumptions, and between threads.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorMigration : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorMigration, coir_test::every_context, coir_test::context_names);

template <class Context>
using numbers = coir::generator<int, void, void, Context>;

template <class Context>
numbers<Context> counting_from(int first) {
  return numbers<Context>{[first](auto& yield) {
    for (int i = first;; ++i) yield(i);
  }};
}

template <class Call>
void in_a_thread(Call call) {
  std::thread(call).join();
}

TYPED_TEST(GeneratorMigration, MovesInEveryState) {
  auto created = counting_from<TypeParam>(0);
  auto g = std::move(created);
  EXPECT_EQ(g.next(), 0);
  auto suspended = std::move(g);
  EXPECT_EQ(suspended.next(), 1);
  suspended.close();
  auto closed = std::move(suspended);
  EXPECT_EQ(closed.state(), closed.closed);
}

TYPED_TEST(GeneratorMigration, MovesWhileItRuns) {
  std::optional<numbers<TypeParam>> to;
  numbers<TypeParam>* self = nullptr;
  numbers<TypeParam> g{[&](auto& yield) {
    to.emplace(std::move(*self));
    yield(1);
    yield(2);
  }};
  self = &g;
  EXPECT_EQ(g.next(), 1);
  EXPECT_EQ(to->next(), 2);
  EXPECT_EQ(to->next(), std::nullopt);
}

TYPED_TEST(GeneratorMigration, AMovedFromOneIsAssignedAnew) {
  auto g = counting_from<TypeParam>(0);
  auto other = std::move(g);
  g = counting_from<TypeParam>(10);
  EXPECT_EQ(g.next(), 10);
  EXPECT_EQ(other.next(), 0);
}

TYPED_TEST(GeneratorMigration, AssignedToItselfItStaysAsItIs) {
  auto g = counting_from<TypeParam>(0);
  g.next();
  auto& same = g;
  g = std::move(same);
  EXPECT_EQ(g.next(), 1);
}

TYPED_TEST(GeneratorMigration, TwoSwap) {
  auto a = counting_from<TypeParam>(0);
  auto b = counting_from<TypeParam>(10);
  a.next();
  std::swap(a, b);
  EXPECT_EQ(a.next(), 10);
  EXPECT_EQ(b.next(), 1);
  std::ranges::swap(a, b);
  EXPECT_EQ(a.next(), 2);
  EXPECT_EQ(b.next(), 11);
}

TYPED_TEST(GeneratorMigration, LivesInAVectorThatGrowsAndShuffles) {
  std::vector<numbers<TypeParam>> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(counting_from<TypeParam>(100 * i));
    for (auto& g : all) g.next();
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].next(), 99 * i + 50);
  std::reverse(all.begin(), all.end());
  EXPECT_EQ(all.front().next(), 99 * 49 + 51);
  all.erase(all.begin(), all.begin() + 40);
  EXPECT_EQ(all.front().next(), 99 * 9 + 51);
}

TYPED_TEST(GeneratorMigration, AnotherThreadResumesEachTime) {
  auto g = counting_from<TypeParam>(0);
  for (int i = 0; i < 10; ++i) in_a_thread([&] { EXPECT_EQ(g.next(), i); });
  EXPECT_EQ(g.next(), 10);
}

TYPED_TEST(GeneratorMigration, IsMadeInOneThreadAndDestroyedInAnother) {
  auto token = std::make_shared<int>(1);
  std::optional<numbers<TypeParam>> g;
  in_a_thread([&] {
    g.emplace([token](auto& yield) {
      auto local = token;
      yield(*local);
      yield(2);
    });
  });
  in_a_thread([&] { EXPECT_EQ(g->next(), 1); });
  in_a_thread([&] { g.reset(); });
  EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(GeneratorMigration, MovesIntoAThreadAndBack) {
  auto g = counting_from<TypeParam>(5);
  g.next();
  std::optional<numbers<TypeParam>> back;
  std::thread([&back, g = std::move(g)]() mutable {
    EXPECT_EQ(g.next(), 6);
    back.emplace(std::move(g));
  }).join();
  EXPECT_EQ(back->next(), 7);
}

TYPED_TEST(GeneratorMigration, ThrowsAndClosesFromAnotherThread) {
  coir::generator<std::string, std::string, void, TypeParam> g{[](auto& yield) {
    std::string said = "first";
    while (true) {
      try {
        auto sent = yield(said);
        said = sent.value_or("next");
      } catch (const std::runtime_error& error) {
        said = error.what();
      }
    }
  }};
  g.next();
  in_a_thread([&] { EXPECT_EQ(g.throw_(std::runtime_error("there")), "there"); });
  in_a_thread([&] { EXPECT_EQ(g.send("sent"), "sent"); });
  in_a_thread([&] { g.close(); });
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorMigration, AnExceptionLeavesIntoTheThreadThatResumed) {
  numbers<TypeParam> g{[](auto& yield) {
    yield(1);
    throw std::runtime_error("late");
  }};
  g.next();
  in_a_thread([&] { EXPECT_THROW(g.next(), std::runtime_error); });
  EXPECT_EQ(g.state(), g.closed);
}

TYPED_TEST(GeneratorMigration, ALevelMayHaveBeenBegunByAnotherThread) {
  auto sub = counting_from<TypeParam>(0);
  in_a_thread([&] { sub.next(); });
  numbers<TypeParam> g{[&](auto& yield) { yield.from(sub); }};
  in_a_thread([&] { EXPECT_EQ(g.next(), 1); });
  EXPECT_EQ(g.next(), 2);
}

int& value_of_the_thread() {
  thread_local int value = 0;
  return value;
}

// Volatile, for a compiler takes the address of a thread_local to be the same all through a body:
// it knows of no call that returns in another thread.
int& (*volatile of_the_thread)() = &value_of_the_thread;

TYPED_TEST(GeneratorMigration, AThreadLocalIsTheResumingThreads) {
  numbers<TypeParam> g{[](auto& yield) {
    while (true) yield(of_the_thread());
  }};
  of_the_thread() = 1;
  EXPECT_EQ(g.next(), 1);
  in_a_thread([&] {
    of_the_thread() = 2;
    EXPECT_EQ(g.next(), 2);
  });
  EXPECT_EQ(g.next(), 1);
}

}  // namespace
