// vain_attempt.cpp - who tries a lock in a loop does not keep its worker from who holds it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/vain_attempt.hpp>

#include <coir/wait.hpp>

#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {

// No cancellation point: what calls it is noexcept.
bool attempt_failed() noexcept {
  constexpr std::uint32_t patience = 64;
  worker* here = current_worker();
  if (here != nullptr && ++worker_core::of(*here).vain_attempts % patience == 0)
    here->yield_current();
  return false;
}

}  // namespace v1
}  // namespace coir
