// results_in_order.cpp - three pieces of work at the same time, their results in the order of the
// pieces.
// SPDX-License-Identifier: BSL-1.0
//
//     results_in_order [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "stopwatch.hpp"

std::string do_some_work(int seconds) {
  std::cout << "waiting " << seconds << " s\n";
  coir::this_fiber::sleep_for(std::chrono::seconds(seconds));
  return "done after " + std::to_string(seconds) + " s";
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([&] {
    std::vector<coir::task<std::string>> tasks;
    for (int seconds : {1, 2, 4}) tasks.push_back(coir::spawn(do_some_work, seconds));
    for (auto& task : tasks) {
      const std::string& result = task.get();  // waits, so it is no part of the output below
      std::cout << watch << ": " << result << '\n';
    }
  });
  std::cout << "elapsed: " << watch << '\n';
}
