// executor.cpp - a call that blocks its thread is made by another one; the fiber waits, and the
// others go on.
// SPDX-License-Identifier: BSL-1.0
#include <coir/coir.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

// Knows nothing of fibers.
std::string blocking_read(const std::string& name) {
  std::this_thread::sleep_for(1s);
  return "what is in " + name;
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([] {
    auto reading = coir::spawn([] { return coir::run_blocking(blocking_read, "a file"); });
    auto sleeping = coir::spawn([] { coir::this_fiber::sleep_for(1s); });
    auto [text, nothing] = coir::gather(reading, sleeping);
    std::cout << "read " << text << '\n';
  });
  // One after the other they take two.
  std::cout << (watch.seconds() < 1.9 ? "about a second\n" : "too long\n");
}
