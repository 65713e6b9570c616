// alternate_stack.cpp - where a thread handles signals when its stack is used up.
// SPDX-License-Identifier: BSL-1.0
#include "stack/alternate_stack.hpp"

#include "stack/mapping.hpp"
#include "stack/thread_exit.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace coir {
inline namespace v1 {
namespace {

// Room for the handler, the unwinder and the symbols of a backtrace, on top of what the kernel
// pushes, which is large where the processor has many registers.
std::size_t wanted_bytes() noexcept {
  std::size_t pushed = 0;
#if defined(_SC_MINSIGSTKSZ)
  pushed = static_cast<std::size_t>(std::max(sysconf(_SC_MINSIGSTKSZ), 0L));
#endif
  return round_up(64 * 1024 + pushed, page_size());
}

void take_down(void* memory) noexcept {
  // Somebody may have put another in its place: that one stays.
  stack_t current{};
  sigaltstack(nullptr, &current);
  if (current.ss_sp == memory) {
    current.ss_flags = SS_DISABLE;
    sigaltstack(&current, nullptr);
  }
  unmap_pages(static_cast<std::byte*>(memory), wanted_bytes());
}

const thread_exit& at_exit() noexcept {
  static const thread_exit only(&take_down);
  return only;
}

}  // namespace

void prepare_alternate_stacks() noexcept {
  at_exit();
}

void give_alternate_stack() noexcept {
  stack_t current{};
  if (sigaltstack(nullptr, &current) != 0 || (current.ss_flags & SS_DISABLE) == 0) return;
  std::byte* memory = map_pages(wanted_bytes());
  if (memory == nullptr) return;
  stack_t ours{};
  ours.ss_sp = memory;
  ours.ss_size = wanted_bytes();
  if (sigaltstack(&ours, nullptr) != 0) return unmap_pages(memory, wanted_bytes());
  if (!at_exit().arm(memory)) take_down(memory);
}

}  // namespace v1
}  // namespace coir
