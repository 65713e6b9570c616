// overflow_test.cpp - who uses its stack up is told so; other faults go where they went before.
// SPDX-License-Identifier: BSL-1.0
#include <coir/config.hpp>
#include <coir/coroutine.hpp>
#include <coir/generator.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "stack/guard.hpp"

namespace {

volatile int bottomless = 1;

}  // namespace

// By this name in the backtrace.
extern "C" [[gnu::noinline]] int coir_test_dig_deeper(int depth) {
  volatile char frame[100];
  frame[0] = static_cast<char>(depth);
  return bottomless != 0 ? coir_test_dig_deeper(depth + 1) + frame[0] : 0;
}

namespace {

using coir::stack;

// All in children: this process never attaches a thread, so each child has the handlers it asks
// for.
class Overflow : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(coir::stack_stats().live, 0u) << "leaked"; }
};

void* digs(coir::coroutine&, void*) {
  coir_test_dig_deeper(0);
  return nullptr;
}

void overflow(const coir::stack_owner* owner) {
  stack memory;
  memory.set_owner(owner);
  coir::coroutine run(memory.top(), memory.limit(), &digs);
  run.resume(nullptr);
}

void* nothing(coir::coroutine&, void*) {
  return nullptr;
}

// The first resume, which installs the handler.
void attach() {
  stack memory;
  coir::coroutine run(memory.top(), memory.limit(), &nothing);
  run.resume(nullptr);
}

// A page that faults and is no guard of ours.
char* forbidden_page() {
  return static_cast<char*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

void touch(char* page) {
  *const_cast<volatile char*>(page) = 1;
}

const std::string used_up =
    ": 64 KiB of stack ending at 0x[0-9a-f]+ are used up, the access was at 0x[0-9a-f]+\n";

// No word of ours; an emulator has one of its own.
const std::string emulator = "(qemu: uncaught[^\n]*\n)?";
const std::string silence = "^" + emulator + "$";

TEST_F(Overflow, NamesTheOwner) {
  static constexpr coir::stack_owner primes{"generator", "primes"};
  EXPECT_EXIT(overflow(&primes), testing::KilledBySignal(SIGSEGV),
              "^coir: stack overflow in generator \"primes\"" + used_up);
}

TEST_F(Overflow, SaysWhatTheOwnerIsWhenItHasNoName) {
  static constexpr coir::stack_owner unnamed{"fiber"};
  EXPECT_EXIT(overflow(&unnamed), testing::KilledBySignal(SIGSEGV),
              "^coir: stack overflow in a fiber" + used_up);
  EXPECT_EXIT(overflow(nullptr), testing::KilledBySignal(SIGSEGV),
              "^coir: stack overflow in a context" + used_up);
}

TEST_F(Overflow, IsReportedInAGenerator) {
  auto run = [] {
    coir::generator<int> numbers([](auto& yield) {
      yield(1);
      coir_test_dig_deeper(0);
    });
    numbers.next();
    numbers.next();
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGSEGV),
              "^coir: stack overflow in a generator" + used_up);
}

TEST_F(Overflow, IsReportedInEveryThread) {
  EXPECT_EXIT(std::thread([] { overflow(nullptr); }).join(), testing::KilledBySignal(SIGSEGV),
              "^coir: stack overflow in a context" + used_up);
}

TEST_F(Overflow, IsReportedWithHeavyGuards) {
  auto run = [] {
    coir::set_guard_limits({.light = false, .mappings = 100});
    overflow(nullptr);
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGSEGV),
              "^coir: stack overflow in a context" + used_up);
}

TEST_F(Overflow, TellsWhereItHappened) {
#if !__has_include(<execinfo.h>)
  GTEST_SKIP() << "this C library has no backtrace()";
#endif
  // The first line after the sentence is the function that faulted, not the handler; a checker may
  // have put calls of its own into it.
  const char* checker = COIR_ASAN || COIR_TSAN ? "([^\n]*(lib|__)[at]san[^\n]*\n)*" : "";
  EXPECT_EXIT(overflow(nullptr), testing::KilledBySignal(SIGSEGV),
              used_up + checker + "[^\n]*coir_test_dig_deeper[^\n]*\n[^\n]*coir_test_dig_deeper");
}

// Handlers there were before ours.

void handle_plainly(int signal) {
  std::fprintf(stderr, "handled %d\n", signal);
  std::_Exit(3);
}

char* volatile expected;

void handle_fully(int signal, siginfo_t* info, void* machine) {
  std::fprintf(stderr, "handled %d, %s, %s\n", signal,
               info->si_addr == expected ? "right" : "wrong",
               machine != nullptr ? "with registers" : "without registers");
  std::_Exit(3);
}

sigjmp_buf way_out;

void jump_out(int) {
  siglongjmp(way_out, 1);
}

void with_handler(const std::function<void(struct sigaction&)>& set) {
  struct sigaction action {};
  set(action);
  sigaction(SIGSEGV, &action, nullptr);
  attach();
}

TEST_F(Overflow, OtherFaultsReachThePlainHandlerOfBefore) {
  auto run = [] {
    with_handler([](struct sigaction& a) { a.sa_handler = &handle_plainly; });
    touch(forbidden_page());
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(3), "^handled 11\n$");
}

TEST_F(Overflow, OtherFaultsReachTheFullHandlerOfBefore) {
  auto run = [] {
    with_handler([](struct sigaction& a) {
      a.sa_sigaction = &handle_fully;
      a.sa_flags = SA_SIGINFO;
    });
    expected = forbidden_page();
    touch(expected);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(3), "^handled 11, right, with registers\n$");
}

TEST_F(Overflow, AHandlerOfBeforeMayJumpOutAgainAndAgain) {
  auto run = [](int flags) {
    with_handler([&](struct sigaction& a) {
      a.sa_handler = &jump_out;
      a.sa_flags = flags;
    });
    char* page = forbidden_page();
    volatile int jumps = 0;
    while (jumps < 3) {
      if (sigsetjmp(way_out, flags == 0 ? 1 : 0) == 0)
        touch(page);
      else
        jumps = jumps + 1;
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(run(0), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(run(SA_NODEFER), testing::ExitedWithCode(0), "");
}

TEST_F(Overflow, OtherFaultsEndTheProcessWhereNobodyHandledThem) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "a sanitizer handles the others";
#endif
  auto run = [] {
    attach();
    touch(forbidden_page());
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGSEGV), silence);
}

TEST_F(Overflow, AFaultInTheGuardOfAFreeStackIsAnotherFault) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "a sanitizer handles the others";
#endif
  auto run = [] {
    attach();
    std::byte* limit = stack().limit();
    touch(reinterpret_cast<char*>(limit - 1));
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGSEGV), silence);
}

TEST_F(Overflow, ASignalThatWasSentEndsTheProcess) {
#if COIR_ASAN || COIR_TSAN
  GTEST_SKIP() << "a sanitizer handles the others";
#endif
  for (int signal : {SIGSEGV, SIGBUS}) {
    auto run = [signal] {
      attach();
      raise(signal);
      std::_Exit(0);
    };
    EXPECT_EXIT(run(), testing::KilledBySignal(signal), silence);
  }
}

TEST_F(Overflow, IgnoringStaysIgnoringForWhatWasSentButNotForFaults) {
  auto ignore = [] {
    with_handler([](struct sigaction& a) { a.sa_handler = SIG_IGN; });
    raise(SIGSEGV);
    std::fprintf(stderr, "goes on\n");
  };
  auto sent = [&] {
    ignore();
    std::_Exit(0);
  };
  auto fault = [&] {
    ignore();
    touch(forbidden_page());
  };
  EXPECT_EXIT(sent(), testing::ExitedWithCode(0), "^goes on\n$");
  EXPECT_EXIT(fault(), testing::KilledBySignal(SIGSEGV), "^goes on\n" + emulator + "$");
}

// The alternate signal stack.

stack_t alternate_stack() {
  stack_t current{};
  sigaltstack(nullptr, &current);
  return current;
}

TEST_F(Overflow, IsHandledOnAStackOfItsOwn) {
#if COIR_ASAN
  GTEST_SKIP() << "AddressSanitizer gave the thread one";
#endif
  auto run = [] {
    std::thread([] {
      if ((alternate_stack().ss_flags & SS_DISABLE) == 0) std::_Exit(1);
      attach();
      if ((alternate_stack().ss_flags & SS_DISABLE) != 0) std::_Exit(2);
      if (alternate_stack().ss_size < 64 * 1024) std::_Exit(3);
    }).join();
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
}

TEST_F(Overflow, IsHandledOnTheStackThatTheThreadHasAlready) {
  auto run = [] {
    static char own[128 * 1024];
    stack_t wanted{};
    wanted.ss_sp = own;
    wanted.ss_size = sizeof own;
    sigaltstack(&wanted, nullptr);
    attach();
    if (alternate_stack().ss_sp != own) std::_Exit(1);
    overflow(nullptr);
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGSEGV), "^coir: stack overflow");
}

}  // namespace
