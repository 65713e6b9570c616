// shield.cpp - a task runs to its end although the one that waits for it is cancelled.
// SPDX-License-Identifier: BSL-1.0
//
//     shield [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <iostream>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

int save() {
  std::cout << "saving\n";
  coir::this_fiber::sleep_for(2s);
  std::cout << "saved\n";
  return 42;
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([&] {
    auto saving = coir::spawn(save);
    auto waiting = coir::spawn([&] {
      try {
        coir::shield(saving).get();  // without shield() both would end
      } catch (const coir::cancelled&) {
        std::cout << "cancelled after " << watch << '\n';
        throw;
      }
    });

    coir::this_fiber::sleep_for(1s);
    waiting.cancel();
    waiting.join();
    int result = saving.get();
    std::cout << "result: " << result << '\n';
  });
  std::cout << "elapsed: " << watch << '\n';
}
