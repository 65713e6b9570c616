// gather_exceptions.cpp - of three workers one returns, one fails and one is cancelled: all three
// are results.
// SPDX-License-Identifier: BSL-1.0
//
//     gather_exceptions [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

int divide(int a, int b) {
  if (b == 0) throw std::domain_error("division by zero");
  return a / b;
}

int worker_1() {
  coir::this_fiber::sleep_for(1s);
  return 1;
}

int worker_2() {
  coir::this_fiber::sleep_for(2s);
  return divide(2, 0);
}

int worker_3() {
  coir::this_fiber::sleep_for(3s);
  return 3;
}

std::string text(const coir::outcome<int>& result) {
  try {
    return std::to_string(result.value());
  } catch (const std::exception& e) {
    return e.what();
  } catch (const coir::cancelled&) {
    return "cancelled";
  }
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([] {
    std::vector tasks{coir::spawn(worker_1), coir::spawn(worker_2), coir::spawn(worker_3)};

    coir::this_fiber::sleep_for(2s);
    tasks[2].cancel();

    auto results = coir::gather_settled(tasks);
    std::cout << '[' << text(results[0]) << ", " << text(results[1]) << ", " << text(results[2])
              << "]\n";
  });
  std::cout << "elapsed: " << watch << '\n';
}
