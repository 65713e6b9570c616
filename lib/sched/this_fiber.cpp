// this_fiber.cpp - what a fiber says of and to itself.
// SPDX-License-Identifier: BSL-1.0
#include <coir/this_fiber.hpp>

#include <atomic>

#include <pthread.h>

#include "fiber/fiber_name.hpp"
#include "sched/wait_failure.hpp"
#include "stack/pooled_stack.hpp"

namespace coir {
inline namespace v1 {

namespace this_fiber {
namespace {

// Numbers of plain threads stand apart from those of fibers by their highest bit. Not inlined: the
// address of a thread_local must not be kept over a switch.
[[gnu::noinline]] std::uint64_t thread_number() noexcept {
  static std::atomic<std::uint64_t> next{1};
  // Relaxed: only that no two are the same.
  thread_local std::uint64_t own =
      next.fetch_add(1, std::memory_order_relaxed) | (std::uint64_t{1} << 63);
  return own;
}

}  // namespace

void sleep_until(deadline time) {
  worker* here = current_worker();
  if (here != nullptr) check_cancelled(*here);
  waiter w("a point in time");
  w.until = time;
  throw_wait_failure(wait_for_deadline(w));
}

fiber_id get_id() noexcept {
  worker* here = current_worker();
  return fiber_id(here != nullptr ? here->current->id : thread_number());
}

std::string name() {
  if (worker* here = current_worker()) return name_of(*here->current);
  char name[64] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

void set_name(std::string_view name) {
  if (worker* here = current_worker()) {
    name_fiber(*here->current, name);
  } else {
    pthread_setname_np(pthread_self(), std::string(name.substr(0, 15)).c_str());
  }
}

std::size_t stack_used() noexcept {
  worker* here = current_worker();
  if (here == nullptr) return 0;
  return static_cast<std::size_t>(here->current->memory->top -
                                  static_cast<std::byte*>(stack_pointer()));
}

}  // namespace this_fiber
}  // namespace v1
}  // namespace coir
