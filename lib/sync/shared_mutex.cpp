// shared_mutex.cpp - the line in front of a shared_mutex.
// SPDX-License-Identifier: BSL-1.0
#include <coir/shared_mutex.hpp>

#include <mutex>
#include <system_error>

#include "sched/wait_failure.hpp"
#include "sched/waiter_chain.hpp"
#include "sync/misuse.hpp"
#include "sync/wait_again.hpp"

namespace coir {
inline namespace v1 {

class shared_mutex::queued : public waiter {
 public:
  queued(std::uintptr_t self, deadline end) noexcept : waiter("a shared_mutex"), owner(self) {
    until = end;
  }
  bool late() const noexcept { return !until.is_never() && until <= deadline::now(); }

  const std::uintptr_t owner;  // 0: a reader
  bool been_in = false;
};

namespace {

// For who writes already. One that gives up in time learns by that.
[[noreturn]] void refuse_own(spinlock& held) {
  held.unlock();
  throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                          "coir: a shared_mutex is locked by the one that holds it");
}

}  // namespace

bool shared_mutex::lock_slowly(deadline until) {
  queued w(lock_owner_here(), until);
  while (true) {
    if (!w.been_in && w.late()) return false;
    lock_.lock();
    // Relaxed: the exchange decides.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    if ((word & ~waiting) == w.owner && until.is_never()) refuse_own(lock_);
    // Acquire: pairs with the release of the unlock that left it free.
    while (!word_.compare_exchange(word, word == 0 ? w.owner : word | waiting,
                                   std::memory_order_acquire)) {
    }
    if (word == 0) {
      lock_.unlock();
      return true;
    }
    std::exchange(w.been_in, true) ? push_front(waiters_, w) : waiters_.push_back(w);
    wait_outcome outcome = coir::wait(w, lock_);
    // Acquire: pairs with the release of who handed it over.
    if (outcome == wait_outcome::success) return word_.load(std::memory_order_acquire) != 0;
    // Locking is no cancellation point: a request is left for the next one.
    if (outcome == wait_outcome::cancelled) continue;
    give_up();
    throw_unless_success(outcome);
    return false;
  }
}

bool shared_mutex::lock_shared_slowly(deadline until) {
  queued w(0, until);
  while (true) {
    if (!w.been_in && w.late()) return false;
    lock_.lock();
    // Relaxed: the exchange decides.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    if ((word & ~waiting) == lock_owner_here() && until.is_never()) refuse_own(lock_);
    // Acquire: pairs with the release of the unlock() that left it free.
    while (!word_.compare_exchange(
        word, open_to_readers(word) ? (word | shared) + reader : word | waiting,
        std::memory_order_acquire)) {
    }
    if (open_to_readers(word)) {
      lock_.unlock();
      return true;
    }
    std::exchange(w.been_in, true) ? push_front(waiters_, w) : waiters_.push_back(w);
    wait_outcome outcome = coir::wait(w, lock_);
    // Acquire: pairs with the release of who handed it over.
    if (outcome == wait_outcome::success) return word_.load(std::memory_order_acquire) != 0;
    // Locking is no cancellation point: a request is left for the next one.
    if (outcome == wait_outcome::cancelled) continue;
    give_up();
    throw_unless_success(outcome);
    return false;
  }
}

// Under lock_: takes out the writer, or the readers, that are first in line. The word by which they
// hold the mutex; 0 where there is nobody.
std::uintptr_t shared_mutex::serve(waiter_chain& woken, served whom) noexcept {
  std::uintptr_t word = 0;
  while (auto* w = static_cast<queued*>(waiters_.first)) {
    bool writes = w->owner != 0;
    if (writes && (word != 0 || whom == served::readers)) break;
    waiters_.remove(*w);
    if (!w->decide(wait_outcome::success)) continue;
    woken.add(*w);
    if (writes) return w->owner;
    word = (word | shared) + reader;
  }
  return word;
}

// `word` is what unlock() found in place of `self`.
void shared_mutex::unlock_slowly(std::uintptr_t self, std::uintptr_t word) {
  if (word != (self | waiting))
    abort_naming("a shared_mutex is unlocked", ", which does not hold it");
  waiter_chain woken;
  while (true) {
    lock_.lock();
    std::uintptr_t next = serve(woken, served::anyone);
    if (next != 0) {
      // Release: pairs with the acquire of those that wake. Under the lock the word of a mutex with
      // `waiting` that is held for writing changes nowhere else. The mutex lasts: those that are
      // served are still in their lock calls.
      word_.store(waiters_.empty() ? next : next | waiting, std::memory_order_release);
      lock_.unlock();
      return woken.resume();
    }
    // All have given up. Relaxed: likewise.
    word_.store(self, std::memory_order_relaxed);
    lock_.unlock();
    word = self;
    // Release: pairs with the acquire of the next lock; the last touch.
    if (word_.compare_exchange(word, 0, std::memory_order_release)) return;
  }
}

// `word` says that this may be the last reader, with somebody waiting; or that it is none.
void shared_mutex::unlock_shared_slowly(std::uintptr_t word) {
  if ((word & shared) == 0)
    abort_naming("a shared_mutex is unlocked for reading", ", but nobody reads");
  waiter_chain woken;
  lock_.lock();
  // Acquire: what the other readers released is handed on.
  word = word_.load(std::memory_order_acquire);
  if (word == (reader | shared | waiting)) {
    std::uintptr_t next = serve(woken, served::anyone);
    // Release: as in unlock_slowly(). With nobody to serve, this reader stays in.
    word_.store((next != 0 ? next : reader | shared) | (waiters_.empty() ? 0 : waiting),
                std::memory_order_release);
  }
  lock_.unlock();
  if (woken.empty()) return unlock_shared();
  woken.resume();
}

// A writer that gives up may have been all that kept those behind it from reading.
void shared_mutex::give_up() noexcept {
  waiter_chain woken;
  {
    std::lock_guard guard(lock_);
    // Relaxed: `shared` with `waiting` ends under the lock only.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    if ((word & flags) != flags) return;
    std::uintptr_t more = serve(woken, served::readers) & ~flags;
    std::uintptr_t rest = waiters_.empty() ? waiting : 0;
    // Acquire and release: hands the last unlock() on to those that wake; readers leave meanwhile.
    while (!word_.compare_exchange(word, (word + more) & ~rest, std::memory_order_acq_rel)) {
    }
  }
  woken.resume();
}

void shared_mutex::abort_destroyed() const {
  abort_naming("a shared_mutex is destroyed",
               waiters_.empty() ? " while it is locked" : " while somebody waits for it");
}

}  // namespace v1
}  // namespace coir
