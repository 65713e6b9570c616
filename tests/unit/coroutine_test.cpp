// coroutine_test.cpp - what the C++ runtime keeps per thread follows the coroutine.
// SPDX-License-Identifier: BSL-1.0
#include <coir/coroutine.hpp>
#include <coir/stack.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/contexts.hpp"

namespace {

template <class Context>
class CoroutineTest : public testing::Test {};
TYPED_TEST_SUITE(CoroutineTest, coir_test::every_context, coir_test::context_names);

std::string what(std::exception_ptr exception) {
  if (exception == nullptr) return "none";
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    return e.what();
  }
}

std::string current() {
  return what(std::current_exception());
}

// Suspends inside a catch block, then reports what it handles.
template <class Coroutine>
void* suspends_in_catch(Coroutine& self, void* name) {
  std::string own = *static_cast<std::string*>(name);
  try {
    throw std::runtime_error(own);
  } catch (...) {
    self.suspend(name);
    EXPECT_EQ(current(), own);
    EXPECT_EQ(std::uncaught_exceptions(), 0);
    try {
      throw std::runtime_error(own + " inner");
    } catch (...) {
      self.suspend(name);
      EXPECT_EQ(current(), own + " inner");
    }
    EXPECT_EQ(current(), own);
  }
  EXPECT_EQ(current(), "none");
  return nullptr;
}

TYPED_TEST(CoroutineTest, TwoSuspendedInCatchBlocksKeepTheirExceptionsApart) {
  using coroutine = coir::basic_coroutine<TypeParam>;
  coir::stack one_stack, two_stack;
  coroutine one(one_stack.top(), one_stack.limit(), &suspends_in_catch<coroutine>);
  coroutine two(two_stack.top(), two_stack.limit(), &suspends_in_catch<coroutine>);
  std::string one_name = "one", two_name = "two";
  while (!one.done() || !two.done()) {
    one.resume(&one_name);
    EXPECT_EQ(current(), "none");
    two.resume(&two_name);
    EXPECT_EQ(current(), "none");
  }
}

TYPED_TEST(CoroutineTest, AResumerInACatchBlockFindsItsExceptionAgain) {
  using coroutine = coir::basic_coroutine<TypeParam>;
  coir::stack memory;
  coroutine other(memory.top(), memory.limit(), &suspends_in_catch<coroutine>);
  std::string name = "other";
  try {
    throw std::runtime_error("mine");
  } catch (...) {
    while (!other.done()) {
      other.resume(&name);
      EXPECT_EQ(current(), "mine");
    }
  }
  EXPECT_EQ(current(), "none");
}

TYPED_TEST(CoroutineTest, ACaughtExceptionMovesToAnotherThread) {
  using coroutine = coir::basic_coroutine<TypeParam>;
  coir::stack memory;
  coroutine other(memory.top(), memory.limit(), &suspends_in_catch<coroutine>);
  std::string name = "traveller";
  while (!other.done()) {
    std::thread([&] {
      other.resume(&name);
      EXPECT_EQ(current(), "none");
    }).join();
  }
}

template <class Coroutine>
struct suspends_in_destructor {
  Coroutine& self;
  int expected;
  ~suspends_in_destructor() {
    EXPECT_EQ(std::uncaught_exceptions(), expected);
    self.suspend(&self);
    EXPECT_EQ(std::uncaught_exceptions(), expected);
  }
};

template <class Coroutine>
void* unwinds(Coroutine& self, void*) {
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  try {
    suspends_in_destructor<Coroutine> guard{self, 1};
    throw std::runtime_error("unwinding");
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "unwinding");
  }
  suspends_in_destructor<Coroutine> last{self, 0};
  return nullptr;
}

TYPED_TEST(CoroutineTest, TheCountOfUncaughtExceptionsIsItsOwn) {
  using coroutine = coir::basic_coroutine<TypeParam>;
  coir::stack memory;
  coroutine other(memory.top(), memory.limit(), &unwinds<coroutine>);
  struct resumes_in_destructor {
    coroutine& other;
    ~resumes_in_destructor() {
      while (!other.done()) {
        EXPECT_EQ(std::uncaught_exceptions(), 1);
        other.resume(nullptr);
        EXPECT_EQ(std::uncaught_exceptions(), 1);
      }
    }
  };
  try {
    resumes_in_destructor guard{other};
    throw std::runtime_error("outer");
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "outer");
  }
  EXPECT_TRUE(other.done());
}

template <class Coroutine>
void* fails(Coroutine& self, void*) {
  self.suspend(&self);
  throw std::runtime_error("left the body");
}

TYPED_TEST(CoroutineTest, AnExceptionThatLeavesTheBodyIsHandedOver) {
  using coroutine = coir::basic_coroutine<TypeParam>;
  coir::stack memory;
  coroutine other(memory.top(), memory.limit(), &fails<coroutine>);
  EXPECT_NE(other.resume(nullptr), nullptr);
  EXPECT_FALSE(other.done());
  EXPECT_EQ(other.resume(nullptr), nullptr);
  EXPECT_TRUE(other.done());
  EXPECT_EQ(what(other.take_failure()), "left the body");
  EXPECT_EQ(other.take_failure(), nullptr);
}

}  // namespace
