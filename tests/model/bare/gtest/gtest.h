// gtest.h - as much of GoogleTest as a model needs, so that a mutant compiles in a moment.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace bare {

struct test {
  const char* name;
  void (*body)();
};
inline std::vector<test> tests;
inline bool failed = false;

struct registered {
  registered(const char* name, void (*body)()) { tests.push_back({name, body}); }
};

inline void fail(const std::string& text) {
  failed = true;
  std::printf("%s\n", text.c_str());
}

}  // namespace bare

#define TEST(suite, name)                                                              \
  static void suite##_##name();                                                        \
  static const bare::registered suite##_##name##_is(#suite "." #name, suite##_##name); \
  static void suite##_##name()

// Stops at the first failure, which is what a mutant is to bring about.
int main() {
  for (const bare::test& t : bare::tests) {
    t.body();
    if (bare::failed) {
      std::printf("failed: %s\n", t.name);
      return 1;
    }
  }
  return 0;
}
