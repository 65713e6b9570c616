// parallel_sort.cpp - merge sort whose halves are sorted by asynchronous calls.
// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <cstddef>
#include <iostream>
#include <random>
#include <vector>

#include "threads.hpp"

namespace {

using iterator = std::vector<unsigned>::iterator;

void sort_in_parallel(iterator first, iterator last, int threads) {
  if (threads <= 1 || last - first < 2) return std::sort(first, last);
  iterator middle = first + (last - first) / 2;
  auto left = STD::async(STD::launch::async, sort_in_parallel, first, middle, threads / 2);
  sort_in_parallel(middle, last, threads - threads / 2);
  left.get();
  std::inplace_merge(first, middle, last);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<unsigned> numbers(100'000);
  std::mt19937 random(7);
  for (unsigned& n : numbers) n = static_cast<unsigned>(random());
  sort_in_parallel(numbers.begin(), numbers.end(), threads_wanted(argc, argv));
  std::cout << "sorted: " << std::is_sorted(numbers.begin(), numbers.end()) << ", least "
            << numbers.front() << ", greatest " << numbers.back() << '\n';
}
