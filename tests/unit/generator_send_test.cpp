// generator_send_test.cpp - send: values that go into a body.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorSend : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorSend, coir_test::every_context, coir_test::context_names);

template <class Generator>
concept sendable = requires(Generator g) {
  g.send(1);
};
static_assert(sendable<coir::generator<int, int>>);
static_assert(!sendable<coir::generator<int>>);
static_assert(!sendable<coir::generator<int, void, int>>);

// What `yield` returns for each Send.
static_assert(std::is_void_v<coir::yielder<int>::received>);
static_assert(std::is_same_v<coir::yielder<int, int>::received, std::optional<int>>);
static_assert(std::is_same_v<coir::yielder<int, int&>::received, int*>);
static_assert(std::is_same_v<coir::yielder<int, const int&>::received, const int*>);

TYPED_TEST(GeneratorSend, TheYieldReturnsWhatWasSent) {
  coir::generator<int, int, void, TypeParam> doubles{[](auto& yield) {
    int out = 0;
    while (std::optional<int> in = yield(out)) out = *in * 2;
  }};
  EXPECT_EQ(doubles.next(), 0);
  EXPECT_EQ(doubles.send(4), 8);
  EXPECT_EQ(doubles.send(-1), -2);
}

TYPED_TEST(GeneratorSend, TheYieldReturnsNulloptAfterNext) {
  coir::generator<bool, int, void, TypeParam> was_sent{[](auto& yield) {
    bool sent = false;
    while (true) sent = yield(sent).has_value();
  }};
  was_sent.next();
  EXPECT_EQ(was_sent.send(0), true);
  EXPECT_EQ(was_sent.next(), false);
  EXPECT_EQ(was_sent.send(0), true);
}

TYPED_TEST(GeneratorSend, ReturnsNulloptOnceTheBodyHasReturned) {
  coir::generator<int, int, int, TypeParam> sums{[](auto& yield) {
    int sum = 0;
    while (std::optional<int> in = yield(sum)) {
      if (*in == 0) break;
      sum += *in;
    }
    return sum;
  }};
  sums.next();
  EXPECT_EQ(sums.send(3), 3);
  EXPECT_EQ(sums.send(4), 7);
  EXPECT_EQ(sums.send(0), std::nullopt);
  EXPECT_EQ(sums.result(), 7);
  EXPECT_EQ(sums.send(5), std::nullopt);
}

TYPED_TEST(GeneratorSend, BeforeTheFirstNextItIsAnErrorAndTheBodyCanStillBegin) {
  coir::generator<int, int, void, TypeParam> g{[](auto& yield) { yield(1); }};
  try {
    g.send(1);
    FAIL() << "nothing was thrown";
  } catch (const coir::generator_error& error) {
    EXPECT_STREQ(error.what(), "send to a generator that has not started");
  }
  EXPECT_EQ(g.state(), g.created);
  EXPECT_EQ(g.next(), 1);
}

TYPED_TEST(GeneratorSend, TakesAMoveOnlyValue) {
  coir::generator<int, std::unique_ptr<int>, void, TypeParam> keeps{[](auto& yield) {
    std::vector<std::unique_ptr<int>> kept;
    int sum = 0;
    while (auto sent = yield(sum)) {
      kept.push_back(std::move(*sent));
      sum += *kept.back();
    }
  }};
  keeps.next();
  EXPECT_EQ(keeps.send(std::make_unique<int>(5)), 5);
  auto named = std::make_unique<int>(6);
  EXPECT_EQ(keeps.send(std::move(named)), 11);
  EXPECT_EQ(named, nullptr);
}

TYPED_TEST(GeneratorSend, AReferenceArrivesAsAPointer) {
  coir::generator<int, std::string&, void, TypeParam> appends{[](auto& yield) {
    int calls = 0;
    while (std::string* text = yield(calls)) {
      *text += '+';
      ++calls;
    }
  }};
  std::string text = "hello";
  appends.next();
  EXPECT_EQ(appends.send(text), 1);
  EXPECT_EQ(appends.send(text), 2);
  EXPECT_EQ(text, "hello++");
  EXPECT_EQ(appends.next(), std::nullopt);
}

TYPED_TEST(GeneratorSend, AConstReferenceTakesATemporary) {
  coir::generator<std::size_t, const std::string&, void, TypeParam> lengths{[](auto& yield) {
    std::size_t length = 0;
    while (const std::string* text = yield(length)) length = text->size();
  }};
  lengths.next();
  EXPECT_EQ(lengths.send("four"), 4U);
  EXPECT_EQ(lengths.send(std::string(1000, 'x')), 1000U);
}

TYPED_TEST(GeneratorSend, ALargeValueArrivesWhole) {
  using large = std::array<int, 2000>;
  coir::generator<int, large, void, TypeParam> lasts{[](auto& yield) {
    int last = 0;
    while (auto sent = yield(last)) last = sent->back();
  }};
  large value{};
  value.back() = 99;
  lasts.next();
  EXPECT_EQ(lasts.send(value), 99);
}

TYPED_TEST(GeneratorSend, WorksWhereNothingIsYielded) {
  std::string seen;
  coir::generator<void, std::string, void, TypeParam> sink{[&](auto& yield) {
    while (std::optional<std::string> line = yield()) seen += *line;
  }};
  EXPECT_TRUE(sink.next());
  EXPECT_TRUE(sink.send("ab"));
  EXPECT_TRUE(sink.send("cd"));
  EXPECT_FALSE(sink.next());
  EXPECT_FALSE(sink.send("ef"));
  EXPECT_EQ(seen, "abcd");
}

struct throws_when_moved {
  explicit throws_when_moved(int& left) : moves_left(&left) {}
  throws_when_moved(throws_when_moved&& other) : moves_left(other.moves_left) {
    if ((*moves_left)-- == 0) throw std::runtime_error("moved too often");
  }
  int* moves_left;
};

TYPED_TEST(GeneratorSend, AMoveThatThrowsAtTheYieldIsTheBodysToCatch) {
  int left = 0;
  coir::generator<std::string, throws_when_moved, void, TypeParam> g{[](auto& yield) {
    std::string said = "first";
    while (true) {
      try {
        yield(said);
      } catch (const std::runtime_error& error) {
        said = error.what();
      }
    }
  }};
  g.next();
  EXPECT_EQ(g.send(throws_when_moved(left)), "moved too often");
}

TYPED_TEST(GeneratorSend, TheConsumerOfTheContractAnswers) {
  coir::generator<std::string, int, void, TypeParam> consumer{
      [](coir::yielder<std::string, int, TypeParam>& yield) {
        std::string r;
        while (std::optional<int> n = yield(r)) r = "200 OK";
      }};
  EXPECT_EQ(consumer.next(), "");
  for (int n = 1; n <= 5; ++n) EXPECT_EQ(consumer.send(n), "200 OK");
  consumer.close();
  EXPECT_EQ(consumer.send(6), std::nullopt);
}

}  // namespace
