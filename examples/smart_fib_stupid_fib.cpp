// smart_fib_stupid_fib.cpp - two fibers compute side by side; the stupid one thinks longer.
// SPDX-License-Identifier: BSL-1.0
//
//     smart_fib_stupid_fib [--virtual] [SEED]     the same seed gives the same pauses
#include <coir/coir.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <string_view>
#include <utility>

#include "stopwatch.hpp"

// Prints n Fibonacci numbers; thinks for up to so many milliseconds before each.
void fib(std::string_view who, int n, unsigned most, std::mt19937& random) {
  for (int i = 0, a = 0, b = 1; i < n; ++i, a = std::exchange(b, a + b)) {
    // Not a std::uniform_int_distribution, whose numbers differ from library to library.
    std::chrono::milliseconds pause(random() % most);
    coir::this_fiber::sleep_for(pause);
    std::cout << who << " one thinks " << pause.count() << " ms to get " << b << '\n';
  }
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  unsigned seed =
      argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : std::random_device()();
  std::cout << "seed " << seed << '\n';
  coir::run([seed] {
    std::mt19937 random(seed);
    auto smart = coir::spawn(fib, "smart", 10, 200U, std::ref(random));
    auto stupid = coir::spawn(fib, "stupid", 10, 400U, std::ref(random));
    coir::gather(smart, stupid);
  });
  std::cout << "all fib finished after " << watch << '\n';
}
