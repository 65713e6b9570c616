// plugin.cpp - makes generators for the program, and resumes the program's.
// SPDX-License-Identifier: BSL-1.0
#include "plugin.hpp"

#include <coir/arch.hpp>

#include <stdexcept>
#include <thread>

namespace {

coir::generator<int> make(int from) {
  return coir::generator<int>{[from](auto& yield) {
    for (int i = from; i < from + 3; ++i) yield(i);
    throw std::runtime_error("the plugin's generator is at its end");
  }};
}

int next(coir::generator<int>& of) {
  return of.next().value_or(-1);
}

const coir::thread_state* thread() {
  return &coir::calling_thread();
}

int sum() {
  int total = 0;
  coir::generator<int> numbers{[](auto& yield) {
    for (int i = 1; i <= 4; ++i) yield(i);
  }};
  for (int x : numbers) total += x;
  return total;
}

}  // namespace

extern "C" {
extern const plugin_interface plugin;
const plugin_interface plugin{&make, &next, &thread};

// 10 from the calling thread, and 10 from one that began after the plugin was loaded.
int plugin_sum() {
  int other = 0;
  std::thread([&] { other = sum(); }).join();
  return sum() + other;
}
}
