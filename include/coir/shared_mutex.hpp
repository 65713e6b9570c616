// shared_mutex.hpp - many that read, or one that writes.
// SPDX-License-Identifier: BSL-1.0
// Budget: locking and unlocking are one read-modify-write each, unless somebody waits.
#pragma once

#include <coir/lock_owner.hpp>
#include <coir/try_until.hpp>
#include <coir/vain_attempt.hpp>
#include <coir/wait.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <shared_mutex>

namespace coir {
inline namespace v1 {

// The standard's own work.
using std::shared_lock;

// std::shared_mutex, for fibers and plain threads mixed.
//
//     coir::shared_mutex m;
//     { std::shared_lock reading(m); look(); }
//     { std::unique_lock writing(m); change(); }
//
// Blocking         suspends the fiber, or blocks the plain thread, that calls it.
// Order            first come, first served: who comes after a writer that waits, waits behind it,
//                  and readers in a row are let in together. Nobody is starved. One that reads and
//                  locks for reading again may find itself behind a writer that waits for it.
// Memory ordering  what was done before unlock() is visible after the next lock of either kind, and
//                  what was done before unlock_shared() after the next lock().
// Lifetime         may be destroyed once unlocked, even while that unlock() returns.
// Cancellation     locking is no cancellation point; a request waits for the next one.
// Throws           lock(), lock_shared(): std::system_error (resource_deadlock_would_occur) where
//                  the caller holds it for writing, deadlock.
// Misuse           unlocking what one does not hold aborts, as far as it is seen: a writer is known
//                  by name, readers by number. So does destroying a locked one, or one that
//                  somebody waits for, unless NDEBUG.
class shared_mutex {
 public:
  using native_handle_type = shared_mutex*;  // there is nothing below it

  constexpr shared_mutex() noexcept = default;
  shared_mutex(const shared_mutex&) = delete;
  shared_mutex& operator=(const shared_mutex&) = delete;
#ifndef NDEBUG
  ~shared_mutex() {
    // Relaxed: who destroys it has heard of the last unlock.
    if (word_.load(std::memory_order_relaxed) > flags || !waiters_.empty()) abort_destroyed();
  }
#endif

  void lock() {
    if (!take()) lock_slowly(deadline::never());
  }
  bool try_lock() noexcept {
    return take() || attempt_failed();
  }
  void unlock() {
    const std::uintptr_t self = lock_owner_here();
    std::uintptr_t word = self;
    // Release: pairs with the acquire of the next lock; the last touch.
    if (!word_.compare_exchange(word, 0, std::memory_order_release)) [[unlikely]]
      unlock_slowly(self, word);
  }

  void lock_shared() {
    if (!take_shared()) lock_shared_slowly(deadline::never());
  }
  bool try_lock_shared() noexcept {
    return take_shared() || attempt_failed();
  }
  void unlock_shared() {
    // Relaxed: the exchange decides.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while ((word & shared) != 0 && word - shared != (reader | waiting)) {
      std::uintptr_t rest = word - reader == shared ? 0 : word - reader;
      // Release: pairs with the acquire of the next lock(); the last touch.
      if (word_.compare_exchange(word, rest, std::memory_order_release)) return;
    }
    unlock_shared_slowly(word);
  }

  native_handle_type native_handle() noexcept {
    return this;
  }

 protected:
  bool lock_deadline(deadline until) {
    return take() || lock_slowly(until);
  }
  bool lock_shared_deadline(deadline until) {
    return take_shared() || lock_shared_slowly(until);
  }

 private:
  //      63                             2       1        0
  //     +--------------------------------+--------+---------+
  //     | owner: the fiber or thread     |   0    | waiting |   held for writing
  //     | readers, at least one          | shared | waiting |   held for reading
  //     | 0                              |   0    |    0    |   free
  //     +--------------------------------+--------+---------+
  //
  // `waiting` is set under lock_: somebody may be in waiters_, and nobody comes in but through
  // there. With it, a writer or the last reader hands the lock over, under lock_.
  static constexpr std::uintptr_t waiting = 1;
  static constexpr std::uintptr_t shared = 2;
  static constexpr std::uintptr_t flags = waiting | shared;
  static constexpr std::uintptr_t reader = 4;  // one of them

  static constexpr bool open_to_readers(std::uintptr_t word) noexcept {
    return word == 0 || (word & flags) == shared;
  }

  class queued;
  enum class served : unsigned char { anyone, readers };

  bool take() noexcept {
    std::uintptr_t word = 0;
    // Acquire: pairs with the release of the unlock that left it free.
    return word_.compare_exchange(word, lock_owner_here(), std::memory_order_acquire);
  }
  bool take_shared() noexcept {
    // Relaxed: the exchange decides.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while (open_to_readers(word)) {
      // Acquire: pairs with the release of the unlock() that left it free.
      if (word_.compare_exchange(word, (word | shared) + reader, std::memory_order_acquire))
        return true;
    }
    return false;
  }
  bool lock_slowly(deadline until);
  bool lock_shared_slowly(deadline until);
  void unlock_slowly(std::uintptr_t self, std::uintptr_t word);
  void unlock_shared_slowly(std::uintptr_t word);
  std::uintptr_t serve(class waiter_chain& woken, served whom) noexcept;
  void give_up() noexcept;
  [[noreturn, gnu::cold]] void abort_destroyed() const;

  shared_word<std::uintptr_t> word_;
  spinlock lock_;
  wait_list waiters_;  // under lock_; all are `queued`
};

// std::shared_timed_mutex: a shared_mutex that one can give up waiting for.
class shared_timed_mutex : private shared_mutex {
 public:
  constexpr shared_timed_mutex() noexcept = default;
  using shared_mutex::lock;
  using shared_mutex::lock_shared;
  using shared_mutex::try_lock;
  using shared_mutex::try_lock_shared;
  using shared_mutex::unlock;
  using shared_mutex::unlock_shared;

  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock() || lock_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [this](deadline until) { return lock_deadline(until); });
  }
  template <class Rep, class Period>
  bool try_lock_shared_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock_shared() || lock_shared_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool try_lock_shared_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [this](deadline until) { return lock_shared_deadline(until); });
  }
};

}  // namespace v1
}  // namespace coir
