// spinlock.hpp - guards the few lines in which a primitive looks at its waiters.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/shared_word.hpp>

namespace coir {
inline namespace v1 {

// Held for tens of nanoseconds, by fibers and threads alike, and carried over a switch: a fiber
// that waits is seen by its wakers only after whoever runs next has unlocked (see wait.hpp).
class spinlock {
 public:
  constexpr spinlock() noexcept = default;

  [[gnu::always_inline]] void lock() noexcept {
    // Acquire: pairs with the release in unlock().
    if (word_.exchange(1, std::memory_order_acquire) != 0) [[unlikely]]
      lock_contended();
  }

  [[gnu::always_inline]] bool try_lock() noexcept {
    // Acquire: pairs with the release in unlock().
    return word_.exchange(1, std::memory_order_acquire) == 0;
  }

  [[gnu::always_inline]] void unlock() noexcept {
    // Release: what was done under the lock is seen by who locks next.
    word_.store(0, std::memory_order_release);
  }

  // Waits until whoever holds it has unlocked.
  [[gnu::always_inline]] void pass() noexcept {
    // Acquire: pairs with the release in unlock().
    if (word_.load(std::memory_order_acquire) != 0) [[unlikely]]
      pass_contended();
  }

 private:
  [[gnu::noinline, gnu::cold]] void pass_contended() noexcept;

  // Spins a little, then gives the processor away between looks: the holder may be preempted.
  [[gnu::noinline, gnu::cold]] void lock_contended() noexcept;

  shared_word<unsigned int> word_;
};

}  // namespace v1
}  // namespace coir
