// checkers.hpp - tells Valgrind and AddressSanitizer where stacks are. Empty when off.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/config.hpp>

#include <cstddef>

#if COIR_HAS_VALGRIND
#include <valgrind/memcheck.h>
#endif
#if COIR_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace coir {
inline namespace v1 {

// Valgrind takes a jump of the stack pointer for a large frame unless both sides are known stacks.
// Returns what forget_stack() wants. Once per slot, at its first hand-out: registering costs time
// in every later switch under Valgrind, so a recycled stack stays known.
inline unsigned int announce_stack([[maybe_unused]] std::byte* limit,
                                   [[maybe_unused]] std::byte* top) noexcept {
#if COIR_HAS_VALGRIND
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
  return VALGRIND_STACK_REGISTER(limit, top);
#pragma GCC diagnostic pop
#else
  return 0;
#endif
}

inline void forget_stack([[maybe_unused]] unsigned int id) noexcept {
#if COIR_HAS_VALGRIND
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
  VALGRIND_STACK_DEREGISTER(id);
#pragma GCC diagnostic pop
#endif
}

// For the next who is given this stack. What is below a stack pointer is no memory to Valgrind, and
// its next user builds its frame at the top before any stack pointer is there. A computation that
// was dropped leaves AddressSanitizer the poison of its frames.
inline void cleanse_stack([[maybe_unused]] std::byte* limit,
                          [[maybe_unused]] std::byte* top) noexcept {
#if COIR_HAS_VALGRIND
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
  VALGRIND_MAKE_MEM_UNDEFINED(limit, top - limit);
#pragma GCC diagnostic pop
#endif
#if COIR_ASAN
  __asan_unpoison_memory_region(limit, static_cast<std::size_t>(top - limit));
#endif
}

}  // namespace v1
}  // namespace coir
