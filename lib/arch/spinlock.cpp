// spinlock.cpp - what a spinlock does when it is not free.
// SPDX-License-Identifier: BSL-1.0
#include <coir/spinlock.hpp>

#include "arch/pause.hpp"

namespace coir {
inline namespace v1 {

void spinlock::lock_contended() noexcept {
  int looks = 0;
  do {
    // Relaxed: only a hint that an exchange is worth its price.
    do {
      wait_a_little(looks++);
    } while (word_.load(std::memory_order_relaxed) != 0);
    // Acquire: pairs with the release in unlock().
  } while (word_.exchange(1, std::memory_order_acquire) != 0);
}

void spinlock::pass_contended() noexcept {
  // Acquire: pairs with the release in unlock().
  for (int looks = 0; word_.load(std::memory_order_acquire) != 0;) wait_a_little(looks++);
}

}  // namespace v1
}  // namespace coir
