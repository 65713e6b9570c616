// mutex.hpp - one at a time: mutexes for fibers and plain threads alike.
// SPDX-License-Identifier: BSL-1.0
// Budget: lock() and unlock() of a free mutex are one read-modify-write each.
#pragma once

#include <coir/call_once.hpp>
#include <coir/lock_owner.hpp>
#include <coir/try_until.hpp>
#include <coir/vain_attempt.hpp>
#include <coir/wait.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>

namespace coir {
inline namespace v1 {

// The standard's own work on any lockable, ours included.
using std::adopt_lock;
using std::adopt_lock_t;
using std::defer_lock;
using std::defer_lock_t;
using std::lock;
using std::lock_guard;
using std::scoped_lock;
using std::try_lock;
using std::try_to_lock;
using std::try_to_lock_t;
using std::unique_lock;

// std::mutex, for fibers and plain threads mixed.
//
//     coir::mutex m;
//     int shared = 0;
//     ...
//     std::lock_guard guard(m);
//     ++shared;
//
// Blocking         lock() suspends the fiber, or blocks the plain thread, that calls it.
// Order            unlock() wakes the one that waits longest and leaves the mutex free, so that who
//                  is running may take it again without a switch. One that was woken in vain four
//                  times, or for some milliseconds, has it handed over by the next unlock().
// Memory ordering  what was done before unlock() is visible after the next lock().
// Lifetime         may be destroyed once unlocked, even while that unlock() returns.
// Cancellation     locking is no cancellation point; a request waits for the next one.
// Throws           lock(): std::system_error (resource_deadlock_would_occur) where the caller holds
//                  it, deadlock.
// Misuse           unlocking what one does not hold aborts; so does destroying a locked one, or one
//                  that somebody waits for, unless NDEBUG.
class mutex {
 public:
  using native_handle_type = mutex*;  // there is nothing below it

  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;
#ifndef NDEBUG
  ~mutex() {
    // Relaxed: who destroys it has heard of the last unlock().
    if (word_.load(std::memory_order_relaxed) > flags || !waiters_.empty()) abort_destroyed();
  }
#endif

  void lock() {
    std::uintptr_t word = 0;
    // Acquire: pairs with the release of the unlock() that left it free.
    if (!word_.compare_exchange(word, lock_owner_here(), std::memory_order_acquire)) [[unlikely]]
      lock_slowly(deadline::never());
  }

  bool try_lock() noexcept {
    return take() || attempt_failed();
  }

  void unlock() {
    const std::uintptr_t self = lock_owner_here();
    std::uintptr_t word = self;
    // Release: pairs with the acquire of the next lock(); the last touch.
    if (!word_.compare_exchange(word, 0, std::memory_order_release)) [[unlikely]]
      unlock_slowly(self, word);
  }

  native_handle_type native_handle() noexcept {
    return this;
  }

  // Engine level: whether the caller holds it.
  bool held_here() const noexcept {
    // Relaxed: only the caller itself writes the caller's word there.
    return (word_.load(std::memory_order_relaxed) & ~flags) == lock_owner_here();
  }

 protected:
  // Whether the mutex could be locked in time.
  bool lock_deadline(deadline until) {
    return take() || lock_slowly(until);
  }

 private:
  friend class recursive_mutex;

  //      63                                      2        1         0
  //     +-----------------------------------------+-------+---------+
  //     | owner: a fiber or thread; 0 when free   | woken | waiting |   word_
  //     +-----------------------------------------+-------+---------+
  //
  //     waiting   somebody may be in waiters_; set under lock_ while the mutex is held
  //     woken     one has been taken out, and has not tried yet: no other need be woken
  //
  // While it is held its owner changes the word, and who holds lock_ the flags; a free one is taken
  // by compare-and-exchange. No `waiting` without lock_, so the owner of a word without flags that
  // swaps it for 0 cannot miss anyone.
  static constexpr std::uintptr_t waiting = 1;
  static constexpr std::uintptr_t woken = 2;
  static constexpr std::uintptr_t flags = waiting | woken;

  bool take() noexcept {
    std::uintptr_t word = 0;
    do {
      // Acquire: as in lock(). The flags stay: they belong to those who wait.
      if (word_.compare_exchange(word, lock_owner_here() | word, std::memory_order_acquire))
        return true;
    } while (word <= flags);
    return false;
  }
  bool lock_slowly(deadline until);
  void unlock_slowly(std::uintptr_t self, std::uintptr_t word);
  [[noreturn, gnu::cold]] void abort_destroyed() const;

  shared_word<std::uintptr_t> word_;
  spinlock lock_;
  wait_list waiters_;  // under lock_
};

// std::timed_mutex: a mutex that one can give up waiting for.
class timed_mutex : private mutex {
 public:
  using native_handle_type = timed_mutex*;

  constexpr timed_mutex() noexcept = default;
  using mutex::lock;
  using mutex::try_lock;
  using mutex::unlock;

  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock() || lock_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [this](deadline until) { return lock_deadline(until); });
  }
  native_handle_type native_handle() noexcept { return this; }
};

// std::recursive_mutex: its holder may lock it again, and unlocks it as often. It has a mutex and
// is none, since all its data are to be one class's (standard layout).
class recursive_mutex {
 public:
  using native_handle_type = recursive_mutex*;

  constexpr recursive_mutex() noexcept = default;

  // Throws std::system_error (resource_unavailable_try_again) beyond four billion levels.
  void lock() {
    if (mutex_.held_here()) return deepen();
    mutex_.lock();
  }
  bool try_lock() noexcept {
    if (!mutex_.held_here()) return mutex_.try_lock();
    if (depth_ == deepest) return false;
    ++depth_;
    return true;
  }
  void unlock() {
    if (depth_ == 0 || !mutex_.held_here()) return mutex_.unlock();
    --depth_;
  }
  native_handle_type native_handle() noexcept { return this; }

 protected:
  bool lock_deadline(deadline until) { return try_lock() || mutex_.lock_deadline(until); }

 private:
  static constexpr std::uint32_t deepest = UINT32_MAX;
  void deepen();

  mutex mutex_;
  std::uint32_t depth_ = 0;  // by the holder; locks beyond the first
};

// std::recursive_timed_mutex: both.
class recursive_timed_mutex : private recursive_mutex {
 public:
  using native_handle_type = recursive_timed_mutex*;

  constexpr recursive_timed_mutex() noexcept = default;
  using recursive_mutex::lock;
  using recursive_mutex::try_lock;
  using recursive_mutex::unlock;

  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock() || lock_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [this](deadline until) { return lock_deadline(until); });
  }
  native_handle_type native_handle() noexcept { return this; }
};

}  // namespace v1
}  // namespace coir
