// channel_door.hpp - how a channel is entered by fibers and threads of any kind: under a lock.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/spinlock.hpp>
#include <coir/this_fiber.hpp>
#include <coir/wait.hpp>

namespace coir {
inline namespace v1 {

// The part of a channel that differs between channel and local_channel: who may come in, and how a
// waiter is decided.
class shared_door {
 public:
  // What every operation does first; on a wait it is the cancellation point.
  [[gnu::always_inline]] void admit() const noexcept {}
  [[gnu::always_inline]] worker* admit_waiter() const {
    worker* here = current_worker();
    if (here != nullptr) check_cancelled(*here);
    return here;
  }

  [[gnu::always_inline]] void lock() noexcept { lock_.lock(); }
  [[gnu::always_inline]] void unlock() noexcept { lock_.unlock(); }

  // Called with the lock, returns without it. `here` is whom admit_waiter() gave.
  [[gnu::always_inline]] wait_outcome wait(waiter& w, worker* here, bool timed) noexcept {
    return coir::wait(w, lock_, here, timed);
  }

  // For a wait in several lists.
  spinlock* guard() noexcept { return &lock_; }

 private:
  spinlock lock_;
};

}  // namespace v1
}  // namespace coir
