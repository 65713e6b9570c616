// mutex.cpp - a mutex that is not free, or that somebody waits for.
// SPDX-License-Identifier: BSL-1.0
#include <coir/mutex.hpp>

#include <mutex>
#include <system_error>

#include "sched/clock.hpp"
#include "sched/wait_failure.hpp"
#include "sync/misuse.hpp"
#include "sync/wait_again.hpp"

namespace coir {
inline namespace v1 {
namespace {

// After so many losses, or so many nanoseconds after the first, a waiter has the mutex handed over.
// Handing it over every time would make who locks and unlocks in a loop switch at each turn (a
// convoy); never would let that one starve the others. To read the clock at each loss would double
// what a loss costs: a fiber takes the time of its worker's last poll.
constexpr int most_losses = 4;
constexpr std::int64_t most_patience = 1'000'000;

struct mutex_waiter : waiter {
  explicit mutex_waiter(std::uintptr_t self) noexcept : waiter("a mutex"), owner(self) {}
  std::uintptr_t owner;
  bool wants_it_handed_over = false;
};

std::int64_t roughly_now() noexcept {
  const worker* here = current_worker();
  return here != nullptr ? here->tick : clock_now();
}

// Whether one that has lost is to be given the mutex, not told that it is free.
class patience {
 public:
  void lose() noexcept {
    if (++losses_ == 1) {
      end_ = roughly_now() + most_patience;
    } else if (losses_ >= most_losses || roughly_now() > end_) {
      over_ = true;
    }
  }
  bool over() const noexcept { return over_; }

 private:
  int losses_ = 0;
  std::int64_t end_ = 0;
  bool over_ = false;
};

}  // namespace

bool mutex::lock_slowly(deadline until) {
  mutex_waiter w(lock_owner_here());
  w.until = until;
  patience patience;
  std::uintptr_t own_flag = 0;  // `woken`, when it speaks of this waiter
  bool been_in = false;
  while (true) {
    // Relaxed: the exchange decides.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while (word <= flags) {
      // Acquire: pairs with the release of the unlock() that left it free.
      if (word_.compare_exchange(word, w.owner | (word & ~own_flag), std::memory_order_acquire))
        return true;
    }
    // One that gives up in time learns by that.
    if ((word & ~flags) == w.owner && until.is_never())
      throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                              "coir: a mutex is locked by the one that holds it");
    if (own_flag != 0) {
      patience.lose();
    } else if (!until.is_never() && until <= deadline::now()) {
      return false;
    }
    w.wants_it_handed_over = patience.over();

    lock_.lock();
    // Relaxed: under the lock. Acquire, for want of less: the flag sends unlock() to the lock.
    word = word_.load(std::memory_order_relaxed);
    while (word > flags &&
           !word_.compare_exchange(word, (word | waiting) & ~own_flag, std::memory_order_acquire)) {
    }
    if (word <= flags) {
      lock_.unlock();
      continue;
    }
    if (been_in) {
      push_front(waiters_, w);
    } else {
      waiters_.push_back(w);
    }
    been_in = true;
    wait_outcome outcome = coir::wait(w, lock_);
    own_flag = 0;
    if (outcome == wait_outcome::success) {
      // Acquire: pairs with the release in unlock_slowly(), where it was handed over.
      if ((word_.load(std::memory_order_acquire) & ~flags) == w.owner) return true;
      own_flag = woken;
    } else if (outcome == wait_outcome::timed_out) {
      return false;
    } else if (outcome == wait_outcome::deadlock) {
      throw_wait_failure(outcome);
    }
    // Locking is no cancellation point: a request that ended the wait is left for the next one.
  }
}

// `word` is what unlock() found in place of `self`.
void mutex::unlock_slowly(std::uintptr_t self, std::uintptr_t word) {
  if ((word & ~flags) != self) abort_naming("a mutex is unlocked", ", which does not hold it");
  while (true) {
    if ((word & waiting) == 0 || (word & woken) != 0) {
      // Nobody waits, or one is on its way and will see to it.
      // Release: pairs with the acquire of the next lock(); the last touch.
      if (word_.compare_exchange(word, word & flags, std::memory_order_release)) return;
      continue;
    }
    lock_.lock();
    auto* next = static_cast<mutex_waiter*>(waiters_.pop());
    if (next == nullptr) {
      // All have given up. Relaxed: under the lock, by the owner.
      word_.store(self, std::memory_order_relaxed);
      lock_.unlock();
      word = self;
      continue;
    }
    std::uintptr_t rest = waiters_.empty() ? 0 : waiting;
    // Release: pairs with the acquire of who takes it, or of `next`. Under the lock the word of a
    // mutex that is held changes nowhere else. The mutex lasts: `next` is still in lock().
    word_.store(rest | (next->wants_it_handed_over ? next->owner : woken),
                std::memory_order_release);
    lock_.unlock();
    next->resume();
    return;
  }
}

void mutex::abort_destroyed() const {
  abort_naming("a mutex is destroyed",
               waiters_.empty() ? " while it is locked" : " while somebody waits for it");
}

void recursive_mutex::deepen() {
  if (depth_ == deepest)
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "coir: a recursive mutex is locked too often");
  ++depth_;
}

}  // namespace v1
}  // namespace coir
