// lock_owner.hpp - who holds a lock: a fiber or a plain thread, as a word.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/wait.hpp>

#include <cstdint>

namespace coir {
inline namespace v1 {

// The caller: the address of its fiber, or of its thread's state. Never zero; the lowest two bits
// are free for the lock's own use. A fiber keeps its word when it moves to another worker.
[[gnu::always_inline]] inline std::uintptr_t lock_owner_here() noexcept {
  static_assert(alignof(fiber) >= 4 && alignof(thread_state) >= 4);
  if (worker* here = current_worker()) [[likely]]
    return reinterpret_cast<std::uintptr_t>(here->current);
  return reinterpret_cast<std::uintptr_t>(&calling_thread());
}

}  // namespace v1
}  // namespace coir
