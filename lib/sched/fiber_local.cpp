// fiber_local.cpp - the values of fiber_local, one table a fiber.
// SPDX-License-Identifier: BSL-1.0
#include <coir/fiber_local.hpp>

#include <coir/wait.hpp>

#include <vector>

#include "fiber/fiber_locals.hpp"

namespace coir {
inline namespace v1 {
namespace {

struct entry {
  const void* key;
  void* value;
  void (*destroy)(void*) noexcept;
};

struct table {
  std::vector<entry> entries;

  ~table() {
    // A destructor may ask for another value: until none is left.
    while (!entries.empty()) {
      entry last = entries.back();
      entries.pop_back();
      last.destroy(last.value);
    }
  }
};

// Where the running fiber's table is kept, or the thread's. Not inlined: the address of a
// thread_local must not be kept over a switch.
[[gnu::noinline]] void*& place() noexcept {
  struct thread_table {
    void* value = nullptr;
    ~thread_table() { delete static_cast<table*>(value); }
  };
  thread_local thread_table threads_own;
  worker* here = current_worker();
  return here != nullptr ? here->current->locals : threads_own.value;
}

}  // namespace

void* find_fiber_local(const void* key) noexcept {
  auto* own = static_cast<table*>(place());
  if (own == nullptr) return nullptr;
  for (entry& e : own->entries)
    if (e.key == key) return e.value;
  return nullptr;
}

void set_fiber_local(const void* key, void* value, void (*destroy)(void*) noexcept) {
  void*& own = place();
  if (own == nullptr) own = new table;
  static_cast<table*>(own)->entries.push_back({key, value, destroy});
}

void destroy_fiber_locals(fiber& self) noexcept {
  delete static_cast<table*>(self.locals);
  self.locals = nullptr;
}

}  // namespace v1
}  // namespace coir
