// process.cpp - which process this is: a child of fork() is another one than its parent.
// SPDX-License-Identifier: BSL-1.0
#include "sched/process.hpp"

#include <coir/arch.hpp>
#include <coir/thread_state.hpp>

#include <atomic>

#include "arch/fork.hpp"

namespace coir {
inline namespace v1 {
namespace {

// Relaxed everywhere: written by a child before it has a second thread.
constinit std::atomic<std::uint32_t> generation{0};

void enter_child() {
  // Relaxed: see there.
  generation.fetch_add(1, std::memory_order_relaxed);
  calling_thread().worker = nullptr;
}

}  // namespace

std::uint32_t process_generation() noexcept {
  static const bool watched = [] {
    forget_in_children(&enter_child);
    return true;
  }();
  static_cast<void>(watched);
  // Relaxed: see there.
  return generation.load(std::memory_order_relaxed);
}

}  // namespace v1
}  // namespace coir
