// generator_stress_test.cpp - thousands of generators against a state machine, in random order.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/contexts.hpp"

namespace {

#if COIR_TSAN
constexpr std::size_t population = 500;
constexpr int steps = 20'000;
#else
constexpr std::size_t population = 3'000;
constexpr int steps = 200'000;
#endif

// COIR_SEED repeats a run.
std::uint32_t seed() {
  const char* given = std::getenv("COIR_SEED");
  const auto chosen = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 0))
                                       : std::random_device{}();
  std::cout << "COIR_SEED=" << chosen << '\n';
  return chosen;
}

struct restart {};

// What the machine and the body both do: a sum that next raises by one and send by its value. A
// restart sets it to zero; any other exception ends it; past the ceiling it returns.
constexpr int ceiling = 500;

using state = coir::generator_state;

// The model: the transitions by hand.
struct machine {
  state at = state::created;
  int sum = 0;
  bool returned = false;

  std::optional<int> add(int value) {
    if (at == state::closed) return std::nullopt;
    if (at == state::suspended) sum += value;
    at = state::suspended;
    if (sum <= ceiling) return sum;
    at = state::closed;
    returned = true;
    return std::nullopt;
  }

  // Whether it comes back out.
  bool restarts() {
    if (at != state::suspended) {
      at = state::closed;
      return false;
    }
    sum = 0;
    return true;
  }

  void end() { at = state::closed; }
};

// The same as a body, `depth` levels below where it is resumed, yielding from within a recursion
// and, every third time, while it handles an exception.
template <class Context>
using summing = coir::generator<int, int, int, Context>;

template <class Yielder>
[[gnu::noinline]] std::optional<int> yield_from_within(Yielder& yield, int value, int frames) {
  if (frames > 0) return yield_from_within(yield, value, frames - 1);
  if (value % 3 != 0) return yield(value);
  try {
    throw value;
  } catch (int thrown) {
    std::optional<int> sent = yield(thrown);
    if (std::current_exception() == nullptr) ADD_FAILURE() << "lost the handled exception";
    return sent;
  }
}

template <class Context>
summing<Context> sums(int depth, std::shared_ptr<int> token) {
  return summing<Context>{[depth, token = std::move(token)](auto& yield) {
    if (depth > 0) return yield.from(sums<Context>(depth - 1, token));
    auto local = token;
    int sum = 0;
    while (sum <= ceiling) {
      try {
        sum += yield_from_within(yield, sum, sum % 7).value_or(1);
      } catch (const restart&) {
        sum = 0;
      }
    }
    return sum;
  }};
}

// A generator beside its model.
template <class Context>
class pair {
 public:
  pair(int depth, const std::shared_ptr<int>& token) : actual_(sums<Context>(depth, token)) {}

  // One random call on both; false once there is nothing more to ask.
  bool step(std::mt19937& random) {
    const auto choice = random() % 100;
    if (choice < 45) {
      EXPECT_EQ(actual_.next(), expected_.add(1));
    } else if (choice < 90) {
      send(static_cast<int>(random() % 40));
    } else if (choice < 94) {
      throw_restart();
    } else if (choice < 96) {
      throw_out();
    } else if (choice < 97) {
      actual_.close();
      expected_.end();
    } else {
      auto moved = std::move(actual_);
      actual_ = std::move(moved);
    }
    EXPECT_EQ(actual_.state(), expected_.at);
    if (expected_.returned) {
      EXPECT_EQ(actual_.result(), expected_.sum);
    }
    return expected_.at != state::closed;
  }

 private:
  void send(int value) {
    try {
      std::optional<int> back = actual_.send(value);
      EXPECT_NE(expected_.at, state::created);
      EXPECT_EQ(back, expected_.add(value));
    } catch (const coir::generator_error&) {
      EXPECT_EQ(expected_.at, state::created);
    }
  }

  void throw_restart() {
    const bool stays = expected_.restarts();
    try {
      EXPECT_EQ(actual_.throw_(restart{}), std::optional(0));
      EXPECT_TRUE(stays);
    } catch (const restart&) {
      EXPECT_FALSE(stays);
    }
  }

  void throw_out() {
    EXPECT_THROW(actual_.throw_(std::runtime_error("out")), std::runtime_error);
    expected_.end();
  }

  summing<Context> actual_;
  machine expected_;
};

template <class Context>
class GeneratorStress : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(coir::stack_stats().live, live_) << "a stack leaked";
    EXPECT_EQ(token_.use_count(), 1) << "a body or a frame was not destroyed";
  }

  std::shared_ptr<int> token_ = std::make_shared<int>(0);

 private:
  std::size_t live_ = coir::stack_stats().live;
};
TYPED_TEST_SUITE(GeneratorStress, coir_test::every_context, coir_test::context_names);

int some_depth(std::mt19937& random) {
  return random() % 4 == 0 ? static_cast<int>(random() % 5) : 0;
}

TYPED_TEST(GeneratorStress, ARandomInterleavingDoesWhatTheMachinesDo) {
  std::mt19937 random(seed());
  std::vector<pair<TypeParam>> all;
  all.reserve(population);
  for (std::size_t i = 0; i < population; ++i) all.emplace_back(some_depth(random), this->token_);
  for (int i = 0; i < steps && !this->HasFailure(); ++i) {
    pair<TypeParam>& one = all[random() % population];
    if (!one.step(random) && random() % 2 == 0)
      one = pair<TypeParam>(some_depth(random), this->token_);
  }
}

// A heap of pairs that threads take from and put back; a pair is resumed by whoever holds it.
template <class Context>
class exchange {
 public:
  void put(std::unique_ptr<pair<Context>> one) {
    std::lock_guard hold(mutex_);
    waiting_.push_back(std::move(one));
  }

  // The place is chosen by the caller, so that no order is preferred.
  std::unique_ptr<pair<Context>> take(std::size_t place) {
    std::lock_guard hold(mutex_);
    if (waiting_.empty()) return nullptr;
    std::swap(waiting_[place % waiting_.size()], waiting_.back());
    auto one = std::move(waiting_.back());
    waiting_.pop_back();
    return one;
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<pair<Context>>> waiting_;
};

TYPED_TEST(GeneratorStress, PassedAmongThreadsTheyDoWhatTheMachinesDo) {
  std::mt19937 random(seed());
  exchange<TypeParam> shared;
  for (std::size_t i = 0; i < population; ++i)
    shared.put(std::make_unique<pair<TypeParam>>(some_depth(random), this->token_));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, own = std::mt19937(static_cast<std::uint32_t>(random()))]() mutable {
      for (int i = 0; i < steps / 16; ++i) {
        auto one = shared.take(own());
        if (one == nullptr) continue;
        bool more = true;
        for (auto times = own() % 8; more && times > 0; --times) more = one->step(own);
        if (!more) one = std::make_unique<pair<TypeParam>>(some_depth(own), this->token_);
        shared.put(std::move(one));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
