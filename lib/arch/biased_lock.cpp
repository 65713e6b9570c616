// biased_lock.cpp - the thief's side of a biased lock, and the heavy fence.
// SPDX-License-Identifier: BSL-1.0
#include <coir/biased_lock.hpp>

#include "arch/heavy_fence.hpp"
#include "arch/pause.hpp"

namespace coir {
inline namespace v1 {

bool biased_lock::prepare() noexcept {
  return prepare_heavy_fence();
}

bool biased_lock::try_seize() noexcept {
  // Acquire: pairs with another thief's release in give_back().
  if (wanted_.exchange(1, std::memory_order_acquire) != 0) return false;  // (c)
  // Acquire: pairs with the owner's release in leave(), to see the queue it left. (d), (e)
  if (heavy_fence() && inside_.load(std::memory_order_acquire) == 0) return true;
  give_back();
  return false;
}

void biased_lock::give_back() noexcept {
  // Release: pairs with the acquire in enter() and in try_seize().
  wanted_.store(0, std::memory_order_release);
}

void biased_lock::enter_contended() noexcept {
  for (int looks = 0;;) {
    // Release: a thief that sees 0 may take, and sees all that was done before.
    inside_.store(0, std::memory_order_release);
    // Relaxed: only to wait; the acquire is below.
    while (wanted_.load(std::memory_order_relaxed) != 0) wait_a_little(looks++);
    // A full barrier of the owner's own, off the hot path: no need to rely on the thief's.
    inside_.exchange(1, std::memory_order_seq_cst);
    // Acquire: pairs with the release in give_back().
    if (wanted_.load(std::memory_order_acquire) == 0) return;
  }
}

}  // namespace v1
}  // namespace coir
