// consumer.cpp - the first program of a user: prints "0 1 4 9 16" by a generator.
// SPDX-License-Identifier: BSL-1.0
#include <coir/coir.hpp>

#include <cstdio>

int main() {
  coir::generator<int> squares{[](auto& yield) {
    for (int i = 0; i < 5; ++i) yield(i * i);
  }};
  const char* between = "";
  for (int x : squares) {
    std::printf("%s%d", between, x);
    between = " ";
  }
  std::puts("");
}
