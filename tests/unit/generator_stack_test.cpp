// generator_stack_test.cpp - on which stack a generator lives, and that it is given back.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorStack : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorStack, coir_test::every_context, coir_test::context_names);

template <class Context>
using numbers = coir::generator<int, void, void, Context>;

constexpr auto one_two = [](auto& yield) {
  yield(1);
  yield(2);
};

TYPED_TEST(GeneratorStack, HoldsOneStackFromBirthToDeath) {
  const std::size_t before = coir::stack_stats().live;
  {
    numbers<TypeParam> g{one_two};
    EXPECT_EQ(coir::stack_stats().live, before + 1);
    while (g.next()) EXPECT_EQ(coir::stack_stats().live, before + 1);
    EXPECT_EQ(coir::stack_stats().live, before + 1);
    auto moved = std::move(g);
    EXPECT_EQ(coir::stack_stats().live, before + 1);
  }
  EXPECT_EQ(coir::stack_stats().live, before);
}

// Uses as much stack as it is asked to; the frames are more than the compiler can fold.
[[gnu::noinline]] int fill(int kilobytes) {
  std::array<volatile char, 1024> page{};
  page[static_cast<std::size_t>(kilobytes)] = 1;
  if (kilobytes == 0) return page[0];
  return fill(kilobytes - 1) + page[static_cast<std::size_t>(kilobytes)];
}

TYPED_TEST(GeneratorStack, RunsOnTheStackItIsGiven) {
  coir::stack big{{.size = 1024 * 1024}};
  const std::byte* limit = big.limit();
  const std::byte* top = big.top();
  numbers<TypeParam> g{std::move(big), [&](auto& yield) {
                         int local = 0;
                         auto* here = reinterpret_cast<std::byte*>(&yield);
                         EXPECT_TRUE(limit < here && here < top);
                         yield(fill(300) + local);
                       }};
  EXPECT_EQ(g.next(), 301);
}

TYPED_TEST(GeneratorStack, LivesOnTheHeap) {
  numbers<TypeParam> g{coir::stack::from_heap(64 * 1024), one_two};
  EXPECT_EQ(g.next(), 1);
  auto moved = std::move(g);
  EXPECT_EQ(moved.next(), 2);
  EXPECT_EQ(moved.next(), std::nullopt);
}

TYPED_TEST(GeneratorStack, LivesInMemoryOfTheCallers) {
  std::vector<std::byte> memory(64 * 1024);
  for (int round = 0; round < 3; ++round) {
    numbers<TypeParam> g{coir::stack::over(memory), one_two};
    EXPECT_EQ(g.next(), 1);
    EXPECT_EQ(g.next(), 2);
  }
}

TYPED_TEST(GeneratorStack, LivesInMemoryThatIsNotAligned) {
  std::vector<std::byte> memory(64 * 1024);
  for (std::size_t skip : {1U, 7U, 13U}) {
    numbers<TypeParam> g{coir::stack::over(std::span(memory).subspan(skip, 48 * 1024 + skip)),
                         one_two};
    EXPECT_EQ(g.next(), 1);
  }
}

TYPED_TEST(GeneratorStack, ABodyThatLeavesNoRoomIsRefused) {
  std::vector<std::byte> memory(4096);
  std::array<char, 4000> large{};
  auto token = std::make_shared<int>(1);
  EXPECT_THROW((numbers<TypeParam>{coir::stack::over(memory),
                                   [large, token](auto& yield) { yield(large[0] + *token); }}),
               std::invalid_argument);
  EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(GeneratorStack, ALargeBodyFitsALargeStack) {
  std::array<char, 200'000> large{};
  large.back() = 5;
  numbers<TypeParam> g{coir::stack{{.size = 512 * 1024}},
                       [large](auto& yield) { yield(large.back()); }};
  EXPECT_EQ(g.next(), 5);
}

TYPED_TEST(GeneratorStack, TheDefaultStackRefusesABodyLargerThanItself) {
  auto large = std::make_unique<std::array<char, 80'000>>();
  EXPECT_THROW((numbers<TypeParam>{[copy = *large](auto& yield) { yield(copy[0]); }}),
               std::invalid_argument);
}

template <std::size_t Alignment>
struct alignas(Alignment) aligned {
  int value = 3;
  bool right() const { return reinterpret_cast<std::uintptr_t>(this) % Alignment == 0; }
};

TYPED_TEST(GeneratorStack, CapturesKeepTheirAlignment) {
  std::vector<numbers<TypeParam>> all;
  auto make = [&](const auto& capture) {
    all.emplace_back([capture](auto& yield) {
      std::remove_cvref_t<decltype(capture)> local;
      // A fake stack of AddressSanitizer's may have the local elsewhere.
      yield(capture.right() && (COIR_ASAN || local.right()) ? capture.value : -1);
    });
  };
  make(aligned<16>{});
  make(aligned<32>{});
  make(aligned<64>{});
  make(aligned<128>{});
  // There clang looks at the alignment of the local, too.
  if (!COIR_ASAN) make(aligned<4096>{});
  for (auto& g : all) EXPECT_EQ(g.next(), 3);
}

TYPED_TEST(GeneratorStack, TheBodysFramesAreAlignedWhateverItCaptures) {
  auto begins_aligned = [](const auto& capture) {
    numbers<TypeParam> g{[capture](auto& yield) {
      const void* captured = &capture;
      alignas(16) volatile char local[16] = {};
      yield(captured != nullptr && reinterpret_cast<std::uintptr_t>(local) % 16 == 0);
    }};
    EXPECT_EQ(g.next(), 1) << sizeof capture;
  };
  begins_aligned('c');
  begins_aligned(short{1});
  begins_aligned(1);
  begins_aligned(1.0);
  begins_aligned(std::array<char, 17>{});
  begins_aligned(std::array<int, 7>{});
  begins_aligned(std::array<void*, 3>{});
}

TYPED_TEST(GeneratorStack, AResultKeepsItsAlignment) {
  coir::generator<int, void, aligned<128>, TypeParam> g{[](auto&) { return aligned<128>{}; }};
  g.next();
  EXPECT_TRUE(g.result().right());
}

// A callable that cannot be copied in.
struct throws_when_copied {
  std::shared_ptr<int> token;
  explicit throws_when_copied(std::shared_ptr<int> held) : token(std::move(held)) {}
  throws_when_copied(const throws_when_copied& other) : token(other.token) {
    throw std::runtime_error("copy");
  }
  template <class Yielder>
  void operator()(Yielder& yield) {
    yield(*token);
  }
};

TYPED_TEST(GeneratorStack, ACopyThatThrowsLeaksNothing) {
  const std::size_t before = coir::stack_stats().live;
  auto token = std::make_shared<int>(1);
  const throws_when_copied body(token);
  EXPECT_THROW(numbers<TypeParam>{body}, std::runtime_error);
  EXPECT_THROW((numbers<TypeParam>{coir::stack(), body}), std::runtime_error);
  EXPECT_EQ(token.use_count(), 2);
  EXPECT_EQ(coir::stack_stats().live, before);
}

// Counts its copies and moves, and objects that live.
struct counts {
  int& alive;
  int& copies;
  counts(int& a, int& c) : alive(a), copies(c) { ++alive; }
  counts(const counts& other) : alive(other.alive), copies(other.copies) { ++alive, ++copies; }
  counts(counts&& other) noexcept : alive(other.alive), copies(other.copies) { ++alive; }
  ~counts() { --alive; }
};

TYPED_TEST(GeneratorStack, CapturesAreDestroyedOnceInEveryState) {
  for (int resumptions = 0; resumptions < 4; ++resumptions) {
    for (bool closed : {false, true}) {
      int alive = 0, copies = 0;
      {
        numbers<TypeParam> g{[one = counts(alive, copies)](auto& yield) {
          counts local(one);
          one_two(yield);
        }};
        for (int i = 0; i < resumptions; ++i) g.next();
        if (closed) g.close();
        EXPECT_EQ(alive, resumptions == 1 || resumptions == 2 ? (closed ? 1 : 2) : 1);
      }
      EXPECT_EQ(alive, 0);
      EXPECT_EQ(copies, resumptions == 0 ? 0 : 1);
    }
  }
}

TYPED_TEST(GeneratorStack, AThousandLiveAtOnce) {
  std::vector<numbers<TypeParam>> all;
  for (int i = 0; i < 1000; ++i)
    all.emplace_back([i](auto& yield) {
      for (int j = 0;; ++j) yield(i + j);
    });
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)].next(), i + round);
}

TYPED_TEST(GeneratorStack, AStackIsUsedAgainAndAgain) {
  for (int i = 0; i < 1000; ++i) {
    numbers<TypeParam> g{one_two};
    ASSERT_EQ(g.next(), 1);
  }
}

}  // namespace
