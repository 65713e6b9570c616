// context_test.cpp - the contract of a context, held by every backend.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/contexts.hpp"

namespace {

template <class Context>
class ContextTest : public testing::Test {};
TYPED_TEST_SUITE(ContextTest, coir_test::every_context, coir_test::context_names);

void* word(std::uintptr_t value) {
  return reinterpret_cast<void*>(value);
}
std::uintptr_t value(void* word) {
  return reinterpret_cast<std::uintptr_t>(word);
}

// Sends back what it is sent plus one, until it is sent null; then leaves with 99.
template <class Context>
typename Context::departure counting(Context& self, Context& resumer, void* sent) {
  typename Context::arrival from{&self, &resumer, sent};
  while (from.word != nullptr)
    from = Context::switch_to(*from.self, *from.resumer, word(value(from.word) + 1));
  return {from.resumer, word(99)};
}

TYPED_TEST(ContextTest, SwitchesThereAndBackWithAWord) {
  coir::stack memory;
  TypeParam here, there(memory.top(), memory.limit(), &counting<TypeParam>);
  auto back = TypeParam::switch_to(here, there, word(1));
  EXPECT_EQ(value(back.word), 2U);
  EXPECT_EQ(back.self, &here);
  EXPECT_EQ(back.resumer, &there);
  back = TypeParam::switch_to(*back.self, *back.resumer, word(10));
  EXPECT_EQ(value(back.word), 11U);
  back = TypeParam::switch_to(here, there, nullptr);
  EXPECT_EQ(value(back.word), 99U);
  EXPECT_EQ(back.resumer, &there);
}

TYPED_TEST(ContextTest, MayBeLeftFromOnePlaceAndResumedFromAnother) {
  coir::stack memory;
  TypeParam first, second, there(memory.top(), memory.limit(), &counting<TypeParam>);
  EXPECT_EQ(value(TypeParam::switch_to(first, there, word(1)).word), 2U);
  EXPECT_EQ(value(TypeParam::switch_to(second, there, word(3)).word), 4U);
  EXPECT_EQ(value(TypeParam::switch_to(first, there, nullptr).word), 99U);
}

template <class Context>
typename Context::departure says_where(Context&, Context& resumer, void* out) {
  int local = 0;
  *static_cast<void**>(out) = coir::stack_pointer();
  static_cast<void>(local);
  return {&resumer, nullptr};
}

TYPED_TEST(ContextTest, RunsOnTheStackItWasGiven) {
  coir::stack memory;
  TypeParam here, there(memory.top(), memory.limit(), &says_where<TypeParam>);
  void* where = nullptr;
  TypeParam::switch_to(here, there, &where);
  EXPECT_LT(static_cast<void*>(memory.limit()), where);
  EXPECT_LT(where, static_cast<void*>(memory.top()));
}

template <class Context>
typename Context::departure checks_alignment(Context&, Context& resumer, void* out) {
  alignas(16) volatile long double number = 1.5L;
  number = number * 2;
  *static_cast<bool*>(out) = number == 3.0L && reinterpret_cast<std::uintptr_t>(&number) % 16 == 0;
  return {&resumer, nullptr};
}

TYPED_TEST(ContextTest, BeginsWithTheAlignmentOfTheConvention) {
  for (std::size_t below = 0; below < 128; below += 16) {
    coir::stack memory;
    TypeParam here, there(memory.top() - below, memory.limit(), &checks_alignment<TypeParam>);
    bool aligned = false;
    TypeParam::switch_to(here, there, &aligned);
    EXPECT_TRUE(aligned);
  }
}

// A party of a ring: hands the turn on to the next; the first one ends it after ten rounds.
template <class Context>
struct party {
  coir::stack memory;
  std::unique_ptr<Context> context;
  party* next = nullptr;
  Context* out = nullptr;
  int turns = 0;
};

template <class Context>
typename Context::departure hands_on(Context& self, Context&, void* sent) {
  auto& me = *static_cast<party<Context>*>(sent);
  while (true) {
    ++me.turns;
    if (me.out != nullptr && me.turns == 10) return {me.out, word(77)};
    Context::switch_to(self, *me.next->context, me.next);
  }
}

TYPED_TEST(ContextTest, GoesRoundARingOfAHundred) {
  std::vector<party<TypeParam>> ring(100);
  for (std::size_t i = 0; i < ring.size(); ++i) {
    party<TypeParam>& one = ring[i];
    one.next = &ring[(i + 1) % ring.size()];
    one.context =
        std::make_unique<TypeParam>(one.memory.top(), one.memory.limit(), &hands_on<TypeParam>);
  }
  TypeParam here;
  ring.front().out = &here;
  auto back = TypeParam::switch_to(here, *ring.front().context, &ring.front());
  EXPECT_EQ(value(back.word), 77U);
  EXPECT_EQ(back.resumer, ring.front().context.get());
  EXPECT_EQ(ring.back().turns, 9);
}

struct counted {
  int& alive;
  explicit counted(int& count) : alive(count) { ++alive; }
  ~counted() { --alive; }
};

[[gnu::noinline]] int throws_deep(int depth, int& alive) {
  counted one(alive);
  if (depth == 0) throw std::runtime_error(std::to_string(alive));
  return throws_deep(depth - 1, alive) + 1;
}

template <class Context>
typename Context::departure catches(Context& self, Context& resumer, void* out) {
  auto& caught = *static_cast<std::string*>(out);
  int alive = 0;
  for (int depth : {10, 20}) {
    try {
      throws_deep(depth, alive);
    } catch (const std::exception& e) {
      caught += std::string(e.what()) + " of " + std::to_string(alive) + ", ";
    }
    Context::switch_to(self, resumer, nullptr);
  }
  return {&resumer, nullptr};
}

TYPED_TEST(ContextTest, AnExceptionCrossesFramesInsideIt) {
  coir::stack memory;
  TypeParam here, there(memory.top(), memory.limit(), &catches<TypeParam>);
  std::string caught;
  for (int i = 0; i < 3; ++i) TypeParam::switch_to(here, there, &caught);
  EXPECT_EQ(caught, "11 of 0, 21 of 0, ");
}

TYPED_TEST(ContextTest, ANeverStartedOneIsDropped) {
  coir::stack memory;
  TypeParam there(memory.top(), memory.limit(), &counting<TypeParam>);
}

TYPED_TEST(ContextTest, ResumesInASeededRandomOrder) {
  struct one {
    coir::stack memory;
    std::unique_ptr<TypeParam> context;
    std::uintptr_t turns = 0;
  };
  std::vector<one> all(64);
  for (auto& o : all)
    o.context = std::make_unique<TypeParam>(o.memory.top(), o.memory.limit(), &counting<TypeParam>);
  std::mt19937 random(42);
  TypeParam here;
  for (int i = 0; i < 10000; ++i) {
    one& next = all[random() % all.size()];
    next.turns = next.turns % 1000 + 1;
    ASSERT_EQ(value(TypeParam::switch_to(here, *next.context, word(next.turns)).word),
              next.turns + 1);
  }
  for (auto& o : all) TypeParam::switch_to(here, *o.context, nullptr);
}

#if COIR_HAS_ASM
TEST(AsmContext, TheInlineSwitchAndTheCallResumeEachOther) {
  struct both {
    static coir::asm_context::departure run(coir::asm_context& self, coir::asm_context& resumer,
                                            void* sent) {
      std::uintptr_t sum = value(sent);
      for (int i = 0; i < 4; ++i) {
        auto from = i % 2 == 0 ? coir::asm_context::call_switch(self, resumer, word(sum))
                               : coir::asm_context::switch_to(self, resumer, word(sum));
        sum += value(from.word);
      }
      return {&resumer, word(sum)};
    }
  };
  coir::stack memory;
  coir::asm_context here, there(memory.top(), memory.limit(), &both::run);
  std::uintptr_t last = value(coir::asm_context::switch_to(here, there, word(1)).word);
  EXPECT_EQ(last, 1U);
  for (std::uintptr_t i = 1; i <= 4; ++i) {
    last = value((i < 3 ? coir::asm_context::call_switch(here, there, word(i))
                        : coir::asm_context::switch_to(here, there, word(i)))
                     .word);
  }
  EXPECT_EQ(last, 11U);
}
#endif

}  // namespace
