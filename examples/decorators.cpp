// decorators.cpp - a decorator is a function that takes a function and returns one; it may wait.
// SPDX-License-Identifier: BSL-1.0
//
//     decorators [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

// Without arguments: logged(f).
auto logged(auto f) {
  return [f](auto&&... args) -> decltype(auto) {
    std::cout << "called\n";
    decltype(auto) result = std::invoke(f, std::forward<decltype(args)>(args)...);
    std::cout << "returns " << result << '\n';
    return result;
  };
}

// With arguments: retried(3, 1s)(f).
auto retried(int times, std::chrono::milliseconds pause) {
  return [=](auto f) {
    return [=](auto&&... args) -> decltype(auto) {
      for (int left = times; left > 1; --left) {
        try {
          return std::invoke(f, args...);  // not forwarded: it may take another call
        } catch (const std::exception& e) {
          std::cout << e.what() << ", tries again\n";
        }
        coir::this_fiber::sleep_for(pause);
      }
      return std::invoke(f, std::forward<decltype(args)>(args)...);
    };
  };
}

std::string fetch(const std::string& url, int& failures_to_come) {
  coir::this_fiber::sleep_for(1s);
  if (failures_to_come-- > 0) throw std::runtime_error("no answer");
  return "the page of " + url;
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([] {
    auto fetch_logged = logged(fetch);
    auto fetch_well = logged(retried(3, 500ms)(fetch));

    int failures = 0;
    fetch_logged("url_1", failures);
    failures = 2;
    std::string page = fetch_well("url_2", failures);
    std::cout << "got " << page << '\n';
  });
  std::cout << "elapsed: " << watch << '\n';
}
