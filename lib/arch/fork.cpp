// fork.cpp - what is done around fork(), so that a child finds no lock taken by a thread it lacks.
// SPDX-License-Identifier: BSL-1.0
#include "arch/fork.hpp"

#include <atomic>
#include <mutex>

#include <pthread.h>

namespace coir {
inline namespace v1 {
namespace {

// A lock, its two functions; `lock` is written last.
struct held_lock {
  std::atomic<void (*)()> lock{nullptr};
  void (*unlock)() = nullptr;
};
constinit held_lock held[locks_of_process];

// One fork at a time.
constinit std::mutex forking;
// What lock_all() took, a bit each: others may come before unlock_all(). Under `forking`.
constinit unsigned taken = 0;

void lock_all() {
  forking.lock();
  for (unsigned i = 0; i < locks_of_process; ++i) {
    // Acquire: pairs with the release in hold_over_forks().
    auto* lock = held[i].lock.load(std::memory_order_acquire);
    if (lock == nullptr) continue;
    lock();
    taken |= 1U << i;
  }
}

void unlock_all() {
  for (unsigned i = locks_of_process; i-- > 0;)
    if ((taken & 1U << i) != 0) held[i].unlock();
  taken = 0;
  forking.unlock();
}

}  // namespace

void hold_over_forks(lock_of_process which, void (*lock)(), void (*unlock)()) noexcept {
  static const bool watched = (pthread_atfork(&lock_all, &unlock_all, &unlock_all), true);
  static_cast<void>(watched);
  held_lock& own = held[static_cast<unsigned>(which)];
  own.unlock = unlock;
  // Release: who sees it sees `unlock`.
  own.lock.store(lock, std::memory_order_release);
}

void forget_in_children(void (*forget)()) noexcept {
  pthread_atfork(nullptr, nullptr, forget);
}

}  // namespace v1
}  // namespace coir
