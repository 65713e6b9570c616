// skynet.cpp - a million fibers: each of ten starts ten more, down to the leaves, and adds them up.
// SPDX-License-Identifier: BSL-1.0
//
//     skynet [LEAVES]      a power of ten; a million where none is given
//
// Joining a task that has not started starts it at once, so the tree is walked depth-first and only
// a handful of stacks are ever in use.
#include <coir/coir.hpp>

#include <array>
#include <cstdlib>
#include <iostream>

namespace {

long sum_of_leaves(long first, long count) {
  if (count == 1) return first;
  std::array<coir::task<long>, 10> parts;
  for (long i = 0; i < 10; ++i)
    parts[static_cast<std::size_t>(i)] =
        coir::spawn(sum_of_leaves, first + i * (count / 10), count / 10);
  long sum = 0;
  for (auto& part : parts) sum += part.get();
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  long leaves = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  long power = 1;
  while (power < leaves) power *= 10;
  if (leaves < 1 || power != leaves) {
    std::cerr << "usage: skynet [LEAVES], a power of ten\n";
    return 2;
  }
  long sum = coir::run([leaves] { return sum_of_leaves(0, leaves); });
  std::cout << leaves << " leaves, sum " << sum << '\n';
  std::cout << "at most " << coir::stack_stats().high_water << " stacks at once\n";
}
