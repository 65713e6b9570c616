// stack_limits_test.cpp - when there is no stack to be had, a sentence says why.
// SPDX-License-Identifier: BSL-1.0
#include <coir/config.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "stack/guard.hpp"
#include "stack/mapping.hpp"

namespace {

using coir::stack;
using coir::stack_options;
using coir::stack_stats;

class StackLimits : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(stack_stats().live, 0u) << "leaked"; }
};

// What making a stack says; empty if it is made.
std::string refusal(stack_options options) {
  try {
    stack made(options);
    return "";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::not_enough_memory);
    return error.what();
  }
}

// Makes stacks until there are no more; then what the last one said.
std::string make_until_refused(std::vector<stack>& made, stack_options options) {
  try {
    while (made.size() < made.capacity()) made.emplace_back(options);
    return "none was refused";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

// For the child of a death test: says what is wrong, and ends it.
void demand(bool condition, const std::string& otherwise) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", otherwise.c_str());
  std::_Exit(1);
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// False where that does nothing: in an emulator.
bool limit_address_space(std::size_t more) {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages;
  rlimit limit{};
  limit.rlim_cur = limit.rlim_max = pages * coir::page_size() + more;
  setrlimit(RLIMIT_AS, &limit);
  return coir::map_pages(2 * more) == nullptr;
}

TEST_F(StackLimits, NoneIsMadeOfZeroBytes) {
  EXPECT_THROW(stack({.size = 0}), std::invalid_argument);
  EXPECT_THROW(stack({.size = 0, .guard_size = 0}), std::invalid_argument);
}

TEST_F(StackLimits, NoneIsMadeThatNoAddressSpaceCanHold) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (std::size_t size : {most, most - 1, most - 4096, most / 2, most / 3})
    EXPECT_THROW(stack({.size = size}), std::invalid_argument);
  EXPECT_THROW(stack({.size = 4096, .guard_size = most}), std::invalid_argument);
  EXPECT_THROW(stack({.size = 4096, .guard_size = most - 4096}), std::invalid_argument);
}

TEST_F(StackLimits, OneThatTheKernelRefusesIsNamed) {
  const std::size_t size = std::numeric_limits<std::size_t>::max() / 5;
  const std::string said = refusal({.size = size});
  EXPECT_PRED2(contains, said, std::to_string(size).c_str());
  EXPECT_PRED2(contains, said, "ulimit -v");
}

TEST_F(StackLimits, LargeOnesAreMade) {
  if (sizeof(void*) < 8) GTEST_SKIP() << "a gigabyte is much of this address space";
  EXPECT_EQ(refusal({.size = std::size_t{1} << 30}), "");
}

void use_up_the_address_space() {
  std::vector<stack> made;
  made.reserve(100000);
  constexpr std::size_t room = 64 << 20;
  if (!limit_address_space(room)) std::_Exit(0);
  const std::string said = make_until_refused(made, {});
  demand(contains(said, "ulimit -v"), said);
  const std::size_t count = made.size();
  const std::size_t possible = room / (made.front().size() + 16384 + 4096);
  demand(count >= possible * 9 / 10, "only " + std::to_string(count) + " stacks fit");
  made.resize(count / 2);
  while (made.size() < count) made.emplace_back();
  made.clear();
  demand(stack_stats().live == 0, "leaked");
  std::_Exit(0);
}

TEST_F(StackLimits, SmallerReservationsUseUpALimitedAddressSpace) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "the shadow of a sanitizer does not fit in a limited address space";
#endif
  EXPECT_EXIT(use_up_the_address_space(), testing::ExitedWithCode(0), "");
}

void use_up_the_mappings() {
  coir::set_guard_limits({.light = false, .mappings = 20});
  std::vector<stack> made;
  made.reserve(1000);
  const std::string said = make_until_refused(made, {.size = 12345});
  demand(contains(said, "vm.max_map_count"), said);
  demand(contains(said, "guard_size 0"), said);
  demand(made.size() == 10, std::to_string(made.size()) + " guarded stacks");
  demand(refusal({.size = 12345, .guard_size = 0}).empty(), "nor one without a guard");
  made.pop_back();
  made.emplace_back(stack_options{.size = 12345});
  demand(stack_stats().live == 10, "a free one is not used again");
  coir::set_guard_limits({.light = false, .mappings = 2});
  made.emplace_back(stack_options{.size = 12345});
  made.clear();
  demand(stack_stats().live == 0, "leaked");
  std::_Exit(0);
}

TEST_F(StackLimits, GuardsLeaveMappingsForTheProgram) {
  EXPECT_EXIT(use_up_the_mappings(), testing::ExitedWithCode(0), "");
}

TEST_F(StackLimits, LightGuardsCostNoMapping) {
  if (!coir::light_guards()) GTEST_SKIP() << "the kernel has no light guards";
  auto mappings = [] {
    std::ifstream file("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(file, line);) ++count;
    return count;
  };
  std::vector<stack> made;
  made.reserve(5000);
  const std::size_t before = mappings();
  while (made.size() < made.capacity()) made.emplace_back(stack_options{.size = 23456});
  EXPECT_LT(mappings(), before + made.size() / 10);
}

}  // namespace
