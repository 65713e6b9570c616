// context_var_test.cpp - the sentence that a scope ends in which does not nest.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context_var.hpp>

#include <coir/runtime.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "support/death.hpp"

namespace {

constexpr const char* why =
    "^coir: a scope of a context_var ends before one that began later, or on another fiber\n";

class ContextVarMisuse : public testing::Test {
 protected:
  void SetUp() override { coir_test::die_in_new_program(); }

  coir::context_var<int> v_;
  using scope = coir::context_var<int>::scope;
};

TEST_F(ContextVarMisuse, EndingTheOuterScopeFirst) {
  auto out_of_order = [&] {
    std::optional<scope> outer(std::in_place, v_, 1);
    scope inner{v_, 2};
    outer.reset();
  };
  EXPECT_DEATH(out_of_order(), why);
  EXPECT_DEATH(coir::run(out_of_order), why);
}

TEST_F(ContextVarMisuse, EndingAScopeOnAnotherFiber) {
  auto end_elsewhere = [&] {
    std::optional<scope> s;
    auto other = coir::spawn([&] { s.reset(); });
    s.emplace(v_, 1);
    other.join();
  };
  EXPECT_DEATH(coir::run(end_elsewhere), why);
}

TEST_F(ContextVarMisuse, EndingAScopeOnAnotherThread) {
  auto end_elsewhere = [&] {
    std::optional<scope> s(std::in_place, v_, 1);
    std::thread([&] { s.reset(); }).join();
  };
  EXPECT_DEATH(end_elsewhere(), why);
}

}  // namespace
