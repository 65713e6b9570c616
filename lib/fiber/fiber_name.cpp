// fiber_name.cpp - what a fiber is called.
// SPDX-License-Identifier: BSL-1.0
#include "fiber/fiber_name.hpp"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

namespace coir {
inline namespace v1 {

std::string name_of(fiber& f) {
  std::string number = std::to_string(f.id);
  std::lock_guard lock(f.lock);
  return f.name != nullptr ? std::string(f.name) : "fiber-" + number;
}

void name_fiber(fiber& f, std::string_view name) {
  auto* copy = static_cast<char*>(std::malloc(name.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, name.data(), name.size());
  copy[name.size()] = '\0';
  char* old;
  {
    std::lock_guard lock(f.lock);
    old = std::exchange(f.name, copy);
  }
  std::free(old);
}

}  // namespace v1
}  // namespace coir
