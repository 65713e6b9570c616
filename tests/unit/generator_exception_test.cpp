// generator_exception_test.cpp - each side of a yield keeps the exceptions it handles.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/contexts.hpp"
#include "support/workers.hpp"

namespace {

template <class Context>
class GeneratorException : public coir_test::leaks_no_stack<> {};
TYPED_TEST_SUITE(GeneratorException, coir_test::every_context, coir_test::context_names);

template <class Context>
using texts = coir::generator<std::string, void, void, Context>;

// What the calling code handles right now.
std::string current() {
  std::exception_ptr exception = std::current_exception();
  if (exception == nullptr) return "none";
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  }
}

// Yields inside two nested catch blocks.
template <class Yielder>
void yields_while_handling(Yielder& yield, const std::string& name) {
  try {
    throw std::runtime_error(name);
  } catch (const std::exception&) {
    yield(current());
    try {
      throw std::runtime_error(name + " inner");
    } catch (const std::exception&) {
      yield(current());
      yield(current());
    }
    yield(current());
  }
  yield(current());
}

TYPED_TEST(GeneratorException, AYieldInACatchBlockHidesItsExceptionFromTheResumer) {
  texts<TypeParam> g{[](auto& yield) { yields_while_handling(yield, "mine"); }};
  for (const char* expected : {"mine", "mine inner", "mine inner", "mine", "none"}) {
    EXPECT_EQ(g.next(), expected);
    EXPECT_EQ(current(), "none");
  }
  EXPECT_EQ(g.next(), std::nullopt);
}

TYPED_TEST(GeneratorException, ARethrowAfterTheYieldThrowsTheBodysOwn) {
  texts<TypeParam> g{[](auto& yield) {
    try {
      throw std::runtime_error("body");
    } catch (...) {
      yield("handling");
      throw;
    }
  }};
  try {
    throw std::runtime_error("resumer");
  } catch (...) {
    g.next();
    EXPECT_EQ(current(), "resumer");
    try {
      g.next();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "body");
      EXPECT_EQ(current(), "body");
    }
    EXPECT_EQ(current(), "resumer");
  }
  EXPECT_EQ(current(), "none");
}

TYPED_TEST(GeneratorException, ABodyResumedInACatchBlockHandlesNothing) {
  texts<TypeParam> g{[](auto& yield) {
    while (true) yield(current());
  }};
  EXPECT_EQ(g.next(), "none");
  try {
    throw std::runtime_error("resumer");
  } catch (...) {
    EXPECT_EQ(g.next(), "none");
    EXPECT_EQ(current(), "resumer");
  }
  EXPECT_EQ(g.next(), "none");
}

TYPED_TEST(GeneratorException, ABodyBegunInACatchBlockHandlesNothing) {
  texts<TypeParam> g{[](auto& yield) { yield(current()); }};
  try {
    throw std::runtime_error("resumer");
  } catch (...) {
    EXPECT_EQ(g.next(), "none");
    EXPECT_EQ(g.next(), std::nullopt);
    EXPECT_EQ(current(), "resumer");
  }
}

TYPED_TEST(GeneratorException, ManyYieldingInCatchBlocksKeepTheirsApart) {
  std::vector<texts<TypeParam>> all;
  for (int i = 0; i < 10; ++i)
    all.emplace_back([i](auto& yield) { yields_while_handling(yield, std::to_string(i)); });
  for (const char* suffix : {"", " inner", " inner", ""})
    for (std::size_t i = 0; i < all.size(); ++i)
      EXPECT_EQ(all[i].next(), std::to_string(i) + suffix);
}

TYPED_TEST(GeneratorException, AGeneratorClosedInACatchBlockKeepsTheResumersException) {
  bool exited = false;
  texts<TypeParam> g{[&](auto& yield) {
    try {
      yield("");
    } catch (const coir::generator_exit&) {
      exited = true;
    }
  }};
  g.next();
  try {
    throw std::runtime_error("resumer");
  } catch (...) {
    g.close();
    EXPECT_EQ(current(), "resumer");
  }
  EXPECT_TRUE(exited);
}

TYPED_TEST(GeneratorException, OneSuspendedInACatchBlockCanBeClosed) {
  std::string handled;
  {
    texts<TypeParam> g{[&](auto& yield) {
      try {
        throw std::runtime_error("handled");
      } catch (...) {
        try {
          yield("");
        } catch (const coir::generator_exit&) {
        }
        handled = current();
      }
    }};
    g.next();
  }
  EXPECT_EQ(handled, "handled");
  EXPECT_EQ(current(), "none");
}

TYPED_TEST(GeneratorException, ThrowInWhileHandlingHandlesTheNewOne) {
  texts<TypeParam> g{[](auto& yield) {
    try {
      throw std::runtime_error("old");
    } catch (...) {
      try {
        yield("");
      } catch (const std::logic_error&) {
        yield(current());
      }
      yield(current());
    }
  }};
  g.next();
  EXPECT_EQ(g.throw_(std::logic_error("new")), "new");
  EXPECT_EQ(g.next(), "old");
}

// Counts as the runtime does, on both sides of a yield in a destructor that runs while unwinding.
template <class Yielder>
struct yields_in_destructor {
  Yielder& yield;
  ~yields_in_destructor() noexcept(false) {
    yield(std::to_string(std::uncaught_exceptions()));
    yield(std::to_string(std::uncaught_exceptions()));
  }
};

TYPED_TEST(GeneratorException, AYieldDuringUnwindingKeepsTheCountOfUncaughtOnes) {
  texts<TypeParam> g{[](auto& yield) {
    try {
      yields_in_destructor<std::remove_reference_t<decltype(yield)>> guard{yield};
      throw std::runtime_error("unwinding");
    } catch (const std::runtime_error& error) {
      yield(error.what());
    }
    yield(std::to_string(std::uncaught_exceptions()));
  }};
  for (const char* expected : {"1", "1", "unwinding", "0"}) {
    EXPECT_EQ(g.next(), expected);
    EXPECT_EQ(std::uncaught_exceptions(), 0);
    EXPECT_EQ(current(), "none");
  }
}

template <class Generator>
struct resumes_in_destructor {
  Generator& g;
  std::vector<std::string>& seen;
  ~resumes_in_destructor() {
    EXPECT_EQ(std::uncaught_exceptions(), 1);
    while (auto text = g.next()) {
      seen.push_back(*text);
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
    EXPECT_EQ(std::uncaught_exceptions(), 1);
  }
};

TYPED_TEST(GeneratorException, ABodyResumedDuringUnwindingCountsItsOwn) {
  texts<TypeParam> g{[](auto& yield) {
    yield(std::to_string(std::uncaught_exceptions()));
    try {
      yields_in_destructor<std::remove_reference_t<decltype(yield)>> guard{yield};
      throw std::runtime_error("inner");
    } catch (const std::runtime_error& error) {
      yield(error.what());
    }
    yield(std::to_string(std::uncaught_exceptions()));
  }};
  std::vector<std::string> seen;
  try {
    resumes_in_destructor<texts<TypeParam>> guard{g, seen};
    throw std::runtime_error("outer");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "outer");
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"0", "1", "1", "inner", "0"}));
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TYPED_TEST(GeneratorException, AGeneratorDestroyedByUnwindingIsUnwoundItself) {
  int inside = -1;
  try {
    texts<TypeParam> g{[&](auto& yield) {
      try {
        yield("");
      } catch (const coir::generator_exit&) {
        inside = std::uncaught_exceptions();
        throw;
      }
    }};
    g.next();
    throw std::runtime_error("outer");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "outer");
  }
  EXPECT_EQ(inside, 0);
}

TYPED_TEST(GeneratorException, AHandledExceptionMovesToAnotherThread) {
  texts<TypeParam> g{[](auto& yield) { yields_while_handling(yield, "mine"); }};
  for (const char* expected : {"mine", "mine inner", "mine inner", "mine", "none"}) {
    std::thread([&] {
      try {
        throw std::runtime_error("of the thread");
      } catch (...) {
        EXPECT_EQ(g.next(), expected);
        EXPECT_EQ(current(), "of the thread");
      }
      EXPECT_EQ(current(), "none");
    }).join();
  }
}

}  // namespace
