// runtime_memory_test.cpp - when there is no memory, for stacks or at all, nothing is lost.
// SPDX-License-Identifier: BSL-1.0
#include <coir/config.hpp>
#include <coir/runtime.hpp>
#include <coir/stack.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/workers.hpp"

namespace {

// Counts down to the allocation that fails; negative: none does.
thread_local int allocations_left = -1;

}  // namespace

#if !COIR_TSAN  // which has its own, and takes no other

namespace {

bool refuse() {
  if (allocations_left < 0) return false;
  return allocations_left-- == 0;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (!refuse())
    if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  auto to = static_cast<std::size_t>(alignment);
  if (!refuse())
    if (void* memory = std::aligned_alloc(to, (size + to - 1) / to * to)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#endif

namespace {

using namespace std::chrono_literals;

using RuntimeMemory = coir_test::leaks_no_stack<>;

#if !COIR_ASAN && !COIR_TSAN  // they need all the address space there is

// Runs `body` in a child that can have `more` bytes of address space beyond what it has.
int in_confined_child(std::size_t more, const std::function<int()>& body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    rlimit limit{};
    std::size_t pages = 0;
    if (FILE* file = std::fopen("/proc/self/statm", "r")) {
      if (std::fscanf(file, "%zu", &pages) != 1) pages = 0;
      std::fclose(file);
    }
    limit.rlim_cur = limit.rlim_max =
        pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + more;
    setrlimit(RLIMIT_AS, &limit);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

bool is_out_of_memory(const std::exception_ptr& thrown) {
  try {
    if (thrown != nullptr) std::rethrow_exception(thrown);
  } catch (const std::system_error& error) {
    return error.code() == std::errc::not_enough_memory;
  } catch (...) {
  }
  return false;
}

constexpr std::size_t huge = std::size_t{1} << 30;

TEST_F(RuntimeMemory, ATaskForWhichThereIsNoStackEndsWithASystemError) {
  if (COIR_TEST_EMULATED) GTEST_SKIP() << "an emulated process is not confined by the limit";
  EXPECT_EQ(in_confined_child(256U << 20,
                              [] {
                                return coir::run([] {
                                  // While this fiber lives one might still come free.
                                  auto t = coir::spawn({.stack_size = huge}, [] {});
                                  coir::this_fiber::yield();
                                  return t.done() ? 1 : 0;
                                });
                              }),
            0);
  EXPECT_EQ(in_confined_child(256U << 20,
                              [] {
                                coir::runtime rt;
                                auto t = rt.spawn({.stack_size = huge}, [] {});
                                rt.run_ready();
                                if (!t.done()) return 1;
                                return is_out_of_memory(t.exception()) ? 0 : 2;
                              }),
            0);
}

TEST_F(RuntimeMemory, AFiberWithoutAStackStartsWhenOneComesFree) {
  EXPECT_EQ(in_confined_child(huge + huge / 2,
                              [] {
                                return coir::run([] {
                                  std::string trace;
                                  std::vector<coir::task<void>> tasks;
                                  for (char c : std::string("abc")) {
                                    tasks.push_back(coir::spawn({.stack_size = huge}, [&, c] {
                                      coir::this_fiber::sleep_for(1us);
                                      trace += c;
                                    }));
                                  }
                                  for (auto& t : tasks) t.join();
                                  return trace == "abc" ? 0 : 1;
                                });
                              }),
            0);
}

TEST_F(RuntimeMemory, AWorkerWithoutAStackHearsOfTheEndOfAFiberOnAnother) {
  EXPECT_EQ(in_confined_child(huge + huge / 2,
                              [] {
                                coir::runtime rt = coir::runtime::background({.workers = 2});
                                std::vector<coir::task<void>> tasks;
                                for (int i = 0; i < 6; ++i) {
                                  tasks.push_back(rt.spawn({.stack_size = huge}, [] {
                                    coir::this_fiber::sleep_for(1us);
                                  }));
                                }
                                for (auto& t : tasks) {
                                  t.join();
                                  if (t.exception() != nullptr && !is_out_of_memory(t.exception()))
                                    return 1;
                                }
                                return 0;
                              }),
            0);
}

#endif

TEST_F(RuntimeMemory, WhateverAllocationFailsSpawnThrowsAndLosesNothing) {
  if (COIR_TSAN) GTEST_SKIP() << "allocations do not fail here";
  coir::run([] {
    auto token = std::make_shared<int>(0);
    int failures = 0;
    for (int fail_at = 0; fail_at < 40; ++fail_at) {
      std::vector<coir::task<std::string>> tasks;
      tasks.reserve(300);
      allocations_left = fail_at;
      for (int i = 0; i < 300; ++i) {
        try {
          tasks.push_back(coir::spawn(
              {.name = "a name that is too long to be kept in place"},
              [token, pad = std::array<char, 200>()] { return std::string(pad.size(), 'x'); }));
        } catch (const std::bad_alloc&) {
          ++failures;
        }
      }
      allocations_left = -1;
      for (auto& t : tasks) EXPECT_EQ(t.get().size(), 200U);
      tasks.clear();
      EXPECT_EQ(token.use_count(), 1);
    }
    EXPECT_GT(failures, 0);
    EXPECT_EQ(coir::runtime::current()->stats().live_fibers, 1U);
  });
}

TEST_F(RuntimeMemory, AnAllocationThatFailsInABodyIsItsOwnException) {
  if (COIR_TSAN) GTEST_SKIP() << "allocations do not fail here";
  coir::run([] {
    auto t = coir::spawn([] {
      allocations_left = 0;
      return std::make_unique<int>(1);
    });
    EXPECT_THROW(t.get(), std::bad_alloc);
  });
}

TEST_F(RuntimeMemory, ARuntimeThatCannotBeMadeLeavesNothingBehind) {
  if (COIR_TSAN) GTEST_SKIP() << "allocations do not fail here";
  int failures = 0;
  for (int fail_at = 0; fail_at < 30; ++fail_at) {
    allocations_left = fail_at;
    try {
      coir::runtime rt({.name = "a name that is too long to be kept in place", .workers = 3});
      allocations_left = -1;
      EXPECT_EQ(rt.run_until_complete([] { return 1; }), 1);
    } catch (const std::bad_alloc&) {
      allocations_left = -1;
      ++failures;
    }
  }
  EXPECT_GT(failures, 0);
}

}  // namespace
