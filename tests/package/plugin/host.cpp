// host.cpp - generators cross between a program and its plugin, both ways; there is one state per
// thread for both.
// SPDX-License-Identifier: BSL-1.0
#include <coir/arch.hpp>

#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "plugin.hpp"

namespace {

int failures = 0;

void expect(bool met, const char* what) {
  if (met) return;
  std::printf("not so: %s\n", what);
  ++failures;
}

void exchange_with(const plugin_interface& plugin) {
  expect(plugin.thread() == &coir::calling_thread(), "program and plugin share a thread's state");

  coir::generator<int> theirs = plugin.make(7);
  expect(theirs.next() == 7, "the program resumes what the plugin made");
  expect(plugin.next(theirs) == 8, "the plugin goes on where the program left it");
  expect(theirs.next() == 9, "and the program after the plugin");
  try {
    theirs.next();
    expect(false, "the generator's exception comes out");
  } catch (const std::runtime_error& e) {
    expect(std::strstr(e.what(), "plugin") != nullptr, "it is the plugin's exception");
  }

  coir::generator<int> ours{[](auto& yield) {
    yield(1);
    yield(2);
  }};
  expect(plugin.next(ours) == 1, "the plugin resumes what the program made");
  expect(ours.next() == 2, "the program goes on where the plugin left it");
  expect(plugin.next(ours) == -1, "the plugin sees the end");
}

}  // namespace

int main(int, char** arguments) {
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  auto plugin = static_cast<const plugin_interface*>(dlsym(library, "plugin"));
  exchange_with(*plugin);
  std::thread(exchange_with, *plugin).join();
  if (failures == 0) std::puts("ok");
  return failures == 0 ? 0 : 1;
}
