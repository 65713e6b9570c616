// barrier_stencil.cpp - heat flows along a rod; a barrier separates the steps.
// SPDX-License-Identifier: BSL-1.0
#include <cstddef>
#include <iostream>
#include <utility>
#include <vector>

#include "threads.hpp"

int main(int argc, char** argv) {
  const int parts = threads_wanted(argc, argv);
  constexpr std::size_t cells_each = 16;
  const std::size_t cells = cells_each * static_cast<std::size_t>(parts);
  // Whole numbers, so that the sum does not depend on the order of additions.
  std::vector<long> now(cells + 2, 0);
  std::vector<long> next(cells + 2, 0);
  now[1] = 1L << 40;
  int steps = 0;
  STD::barrier step(parts, [&]() noexcept {
    std::swap(now, next);
    ++steps;
  });
  std::vector<STD::thread> threads;
  for (int p = 0; p < parts; ++p) {
    threads.emplace_back([&, p] {
      const std::size_t first = 1 + static_cast<std::size_t>(p) * cells_each;
      for (int s = 0; s < 10; ++s) {
        for (std::size_t i = first; i < first + cells_each; ++i)
          next[i] = now[i - 1] / 4 + now[i] / 2 + now[i + 1] / 4;
        step.arrive_and_wait();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  long sum = 0;
  for (long value : now) sum += value;
  std::cout << parts << " parts, " << steps << " steps, heat " << sum << '\n';
}
