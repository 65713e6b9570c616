// context_var_test.cpp - values that spawned fibers inherit.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context_var.hpp>

#include <coir/event.hpp>
#include <coir/fiber_local.hpp>
#include <coir/generator.hpp>
#include <coir/runtime.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/parties.hpp"
#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class ContextVar : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, ContextVar, coir_test::every_kind(), coir_test::name_of_kind);

// For what fibers spawn: those of plain threads would end in a runtime that lives on.
class ContextVarFibers : public coir_test::workers_test {};
INSTANTIATE_TEST_SUITE_P(Workers, ContextVarFibers, coir_test::one_and_four_workers());

using text = coir::context_var<std::string>;
using number = coir::context_var<int>;

struct no_default {
  explicit no_default(int from) : value(from) {}
  int value;
};

static_assert(!std::is_copy_constructible_v<number>);
static_assert(!std::is_copy_constructible_v<number::scope>);
static_assert(!std::is_move_constructible_v<number::scope>);
static_assert(!std::is_default_constructible_v<coir::context_var<no_default>>);
static_assert(std::is_same_v<decltype(std::declval<const number&>().get()), const int&>);
static_assert(std::is_same_v<decltype(*std::declval<const number&>()), const int&>);
static_assert(
    std::is_same_v<decltype(std::declval<const text&>().operator->()), const std::string*>);

text at_program_start{"from the start"};

TEST_P(ContextVar, WhereNothingIsSetTheValueIsTheDefault) {
  with_parties([](parties& all) {
    const number plain;
    const number given{7};
    const coir::context_var<no_default> other{no_default(3)};
    auto look = [&] {
      EXPECT_EQ(plain.get(), 0);
      EXPECT_EQ(*given, 7);
      EXPECT_EQ(other->value, 3);
      EXPECT_EQ(*at_program_start, "from the start");
    };
    look();
    all.start(look);
    all.join();
  });
}

TEST_P(ContextVar, AScopeSetsTheValueAndItsEndBringsTheOldOneBack) {
  with_parties([](parties& all) {
    number v{1};
    auto nest = [&] {
      EXPECT_EQ(*v, 1);
      {
        number::scope outer{v, 2};
        EXPECT_EQ(*v, 2);
        try {
          number::scope inner{v, 3};
          EXPECT_EQ(*v, 3);
          throw std::runtime_error("out");
        } catch (const std::runtime_error&) {
        }
        EXPECT_EQ(*v, 2);
        coir::this_fiber::yield();
        EXPECT_EQ(*v, 2);
      }
      EXPECT_EQ(*v, 1);
    };
    for (int i = 0; i < 8; ++i) all.start(nest);
    nest();
    all.join();
  });
}

TEST_P(ContextVar, VariablesDoNotDisturbEachOther) {
  with_parties([](parties&) {
    number a;
    text b;
    number c{9};
    number::scope first{a, 1};
    text::scope second{b, "one"};
    {
      number::scope third{c, 10};
      number::scope again{a, 2};  // hides what is two behind
      text::scope more{b, "two"};
      EXPECT_EQ(*a, 2);
      EXPECT_EQ(b->size(), 3U);
      EXPECT_EQ(*b, "two");
      EXPECT_EQ(*c, 10);
    }
    EXPECT_EQ(*a, 1);
    EXPECT_EQ(*b, "one");
    EXPECT_EQ(*c, 9);
  });
}

TEST_P(ContextVarFibers, AFiberInheritsWhatHoldsWhenItIsSpawned) {
  run([] {
    number v;
    text name{"nobody"};
    for (int i = 0; i < 20; ++i) {
      number::scope s{v, i};
      text::scope who{name, std::to_string(i)};
      coir::task<int> t = coir::spawn([&] {
        coir::this_fiber::yield();
        EXPECT_EQ(*name, std::to_string(*v));
        return *v;
      });
      EXPECT_EQ(t.get(), i);
    }
    EXPECT_EQ(coir::spawn([&] { return *v; }).get(), 0);
  });
}

TEST_P(ContextVarFibers, WhatAFiberInheritedOutlivesTheScopeThatSetIt) {
  run([] {
    auto token = std::make_shared<int>(5);
    coir::context_var<std::shared_ptr<int>> v;
    coir::event ended;
    coir::task<void> child;
    {
      coir::context_var<std::shared_ptr<int>>::scope s{v, token};
      EXPECT_EQ(token.use_count(), 2);
      child = coir::spawn([&] {
        ended.wait();
        ASSERT_NE(*v, nullptr);
        EXPECT_EQ(**v, 5);
        coir::spawn([&] { EXPECT_EQ(**v, 5); }).join();
      });
    }
    EXPECT_EQ(*v, nullptr);
    EXPECT_EQ(token.use_count(), 2);
    ended.set();
    child.join();
    EXPECT_EQ(token.use_count(), 1) << "the last fiber that had it drops it at its end";
  });
}

TEST_P(ContextVar, WhatAFiberSetsIsNotSeenByItsParentNorByItsSiblings) {
  with_parties([](parties& all) {
    number v{0};
    number::scope s{v, 1};
    std::atomic<int> inside{0};
    for (int i = 10; i < 16; ++i) {
      all.start([&, i] {
        number::scope own{v, i};
        ++inside;
        coir_test::until([&] { return inside == 6; });
        EXPECT_EQ(*v, i);
      });
    }
    all.join();
    EXPECT_EQ(*v, 1);
  });
}

TEST(ContextVarPlaces, APlainThreadHandsItsValuesOnToTheFibersItSpawns) {
  number v;
  number::scope s{v, 4};
  EXPECT_EQ(coir::run([&] { return *v; }), 4);
  coir::runtime other = coir::runtime::background({.workers = 2});
  EXPECT_EQ(other.spawn([&] { return *v; }).get(), 4);
  EXPECT_EQ(coir::spawn([&] { return *v; }).get(), 4);
  coir::event posted;
  std::atomic<int> seen{0};
  other.post([&] {
    seen = *v;
    posted.set();
  });
  posted.wait();
  EXPECT_EQ(seen, 4);
  std::thread([&] { EXPECT_EQ(*v, 0); }).join();
}

TEST(ContextVarPlaces, AFiberHandsItsValuesOnToOtherRuntimes) {
  number v;
  coir::runtime other = coir::runtime::background({.workers = 2});
  coir::run([&] {
    number::scope s{v, 8};
    EXPECT_EQ(other.spawn([&] { return *v; }).get(), 8);
    EXPECT_EQ(coir::run([&] { return *v; }), 8);
    EXPECT_EQ(coir::spawn({.name = "b", .pinned = true}, [&] { return *v; }).get(), 8);
  });
}

TEST(ContextVarPlaces, AGeneratorSeesWhatTheFiberSeesThatResumesIt) {
  number v;
  coir::generator<int> g{[&](auto& yield) {
    while (true) yield(*v);
  }};
  EXPECT_EQ(g.next(), 0);
  {
    number::scope s{v, 1};
    EXPECT_EQ(g.next(), 1);
    coir::run([&] {
      number::scope again{v, 2};
      EXPECT_EQ(g.next(), 2);
    });
  }
  EXPECT_EQ(g.next(), 0);
}

TEST(ContextVarPlaces, ANewVariableDoesNotFindTheValueOfAnOlderOneInItsPlace) {
  coir::run([] {
    std::optional<text> place(std::in_place, "first");
    coir::event renewed;
    std::optional<text::scope> s(std::in_place, *place, "set");
    auto child = coir::spawn([&] {
      renewed.wait();
      return place->get();
    });
    s.reset();
    place.emplace("second");
    renewed.set();
    EXPECT_EQ(child.get(), "second");
  });
}

// Fibers that spawn each other, each in a scope: what is hidden is not kept.
TEST(ContextVarLifetime, AChainOfSpawnsDoesNotKeepWhatNobodyCanSee) {
  struct counted {
    explicit counted(std::atomic<int>& count) : alive(&count) { ++*alive; }
    ~counted() { --*alive; }
    std::atomic<int>* alive;
  };
  using shared = std::shared_ptr<counted>;
  static std::atomic<int> alive{0};
  static std::atomic<int> most{0};
  static coir::context_var<shared> v;
  static number between;
  for (unsigned workers : {1U, 4U}) {
    most = 0;
    coir::run(
        [] {
          struct step {
            static void take(int left) {
              coir::context_var<shared>::scope s{v, std::make_shared<counted>(alive)};
              number::scope other{between, left};
              if (alive > most) most = alive.load();
              if (left > 0) coir::spawn(take, left - 1);
            }
          };
          coir::spawn(step::take, 300).join();
          coir_test::until([] { return alive == 0; });
        },
        {.workers = workers});
    EXPECT_LE(most, 12);
  }
}

TEST(ContextVarLifetime, FibersThatNeverRunDropWhatTheyInherited) {
  auto token = std::make_shared<int>(0);
  coir::context_var<std::shared_ptr<int>> v;
  for (unsigned workers : {1U, 4U}) {
    coir::run(
        [&] {
          coir::context_var<std::shared_ptr<int>>::scope s{v, token};
          for (int i = 0; i < 100; ++i) coir::spawn([] {});
        },
        {.workers = workers});
    EXPECT_EQ(token.use_count(), 1);
  }
}

TEST(ContextVarLifetime, FibersThatAreCancelledDropWhatTheyHave) {
  auto token = std::make_shared<int>(0);
  coir::context_var<std::shared_ptr<int>> v;
  coir::run([&] {
    coir::context_var<std::shared_ptr<int>>::scope s{v, token};
    for (int i = 0; i < 5; ++i) {
      coir::spawn([&] {
        coir::context_var<std::shared_ptr<int>>::scope again{v, std::shared_ptr<int>(token)};
        coir::this_fiber::sleep_for(1h);
      });
    }
    for (int i = 0; i < 3; ++i) coir::this_fiber::yield();
  });
  EXPECT_EQ(token.use_count(), 1);
}

TEST(ContextVarLifetime, ASpawnThatFailsDropsWhatItWouldHaveInherited) {
  struct unwilling {
    unwilling() = default;
    unwilling(const unwilling&) { throw std::runtime_error("no copy"); }
    void operator()() const {}
  };
  auto token = std::make_shared<int>(0);
  coir::context_var<std::shared_ptr<int>> v;
  coir::run([&] {
    coir::context_var<std::shared_ptr<int>>::scope s{v, token};
    unwilling f;
    EXPECT_THROW(coir::spawn(f), std::runtime_error);
    EXPECT_THROW(coir::spawn({.stack_size = SIZE_MAX}, [] {}), std::invalid_argument);
    // Nor does who has the block next.
    EXPECT_EQ(token.use_count(), 2);
  });
  EXPECT_EQ(token.use_count(), 1);
  coir::run([&] { EXPECT_EQ(*v, nullptr); });
}

TEST(ContextVarLifetime, AValueMayUseFiberLocalsVariablesAndFibersWhenItGoes) {
  static coir::fiber_local<std::unique_ptr<int>>* local;
  static number* other;
  static std::atomic<int> gone;
  coir::fiber_local<std::unique_ptr<int>> of_fiber;
  number plain{6};
  local = &of_fiber;
  other = &plain;
  gone = 0;
  struct busy {
    ~busy() {
      **local = std::make_unique<int>(1);
      number::scope s{*other, **other + 1};
      gone += coir::spawn([] { return **other; }).get();
    }
  };
  coir::context_var<std::shared_ptr<busy>> v;
  coir::run([&] {
    coir::task<void> last;
    coir::event go;
    {
      coir::context_var<std::shared_ptr<busy>>::scope s{v, std::make_shared<busy>()};
      last = coir::spawn([&] { go.wait(); });
    }
    EXPECT_EQ(gone, 0);
    go.set();
    last.join();
    EXPECT_EQ(gone, 7);
  });
}

TEST(ContextVarLifetime, AScopeWhoseValueCannotBeMadeChangesNothing) {
  struct picky {
    picky() = default;
    picky(picky&& other) : armed(other.armed) {
      if (armed) throw std::runtime_error("no");
    }
    bool armed = false;
  };
  coir::context_var<picky> v;
  number n;
  number::scope s{n, 1};
  picky bad;
  bad.armed = true;
  using scope = coir::context_var<picky>::scope;
  EXPECT_THROW((scope{v, std::move(bad)}), std::runtime_error);
  EXPECT_FALSE(v->armed);
  EXPECT_EQ(*n, 1);
}

TEST_P(ContextVar, ValuesAreCountedRightlyWhereManyThreadsShareThem) {
  auto token = std::make_shared<int>(0);
  with_parties([&](parties& all) {
    std::array<number, 4> vars;
    coir::context_var<std::shared_ptr<int>> v;
    coir::runtime other = coir::runtime::background({.workers = 2});
    for (int i = 0; i < 8; ++i) {
      all.start([&, i] {
        coir::context_var<std::shared_ptr<int>>::scope own{v, token};
        for (int turn = 0; turn < 50; ++turn) {
          number::scope s{vars[static_cast<std::size_t>(turn % 4)], i};
          std::vector<coir::task<void>> children;
          for (std::size_t k = 0; k < 4; ++k) {
            children.push_back(other.spawn([&, k, turn] {
              EXPECT_EQ(*v, token);
              number::scope deeper{vars[k], turn};
              coir::this_fiber::yield();
              EXPECT_EQ(*vars[k], turn);
            }));
          }
          if (turn % 2 == 0) continue;  // they outlive the scope
          for (auto& child : children) child.join();
        }
      });
    }
    all.join();
  });
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
