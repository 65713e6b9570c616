// bare_host.cpp - loads a plugin that uses coir into a program that does not.
// SPDX-License-Identifier: BSL-1.0
#include <dlfcn.h>

#include <cstdio>

int main(int, char** arguments) {
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  auto sum = reinterpret_cast<int (*)()>(dlsym(library, "plugin_sum"));
  int got = sum();
  std::puts(got == 20 ? "ok" : "not so: the plugin counts to 20");
  return got == 20 ? 0 : 1;
}
