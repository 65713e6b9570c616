// arch_generic.hpp - for targets without an inline switch: only the door and the stack pointer.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/arch.hpp>
#include <coir/thread_state.hpp>

#if !COIR_INLINE_SWITCH  // elsewhere an empty header, like the others of its kind

namespace coir {
inline namespace v1 {

// An address within the calling frame: near enough to tell one stack from another.
[[gnu::noinline]] void* stack_pointer() noexcept;

// Not inlined, so that no compiler keeps the address across a switch.
[[gnu::noinline]] thread_state& calling_thread() noexcept;

inline exception_globals& calling_thread_exceptions() noexcept {
  return *calling_thread().exceptions;
}

inline worker* calling_thread_worker() noexcept {
  return calling_thread().worker;
}

}  // namespace v1
}  // namespace coir

#endif
