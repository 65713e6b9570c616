// heavy_fence.cpp - the heavy fence by Linux's membarrier.
// SPDX-License-Identifier: BSL-1.0
#include "arch/heavy_fence.hpp"

#include <coir/config.hpp>

#include <atomic>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace coir {
inline namespace v1 {

bool prepare_heavy_fence() noexcept {
#if COIR_TSAN
  return true;
#elif defined(__linux__) && defined(SYS_membarrier)
  static const bool registered =
      syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
  return registered;
#else
  return false;
#endif
}

bool heavy_fence() noexcept {
#if COIR_TSAN
  // Owners use sequentially consistent operations there; this is the thief's half of the pair.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return true;
#elif defined(__linux__) && defined(SYS_membarrier)
  return prepare_heavy_fence() &&
         syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
  return false;
#endif
}

}  // namespace v1
}  // namespace coir
