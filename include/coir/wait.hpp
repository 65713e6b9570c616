// wait.hpp - the one door to wait: every wait of the library goes through here.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/deadline.hpp>
#include <coir/sanitizer.hpp>
#include <coir/shared_word.hpp>
#include <coir/spinlock.hpp>
#include <coir/wait_list.hpp>
#include <coir/worker.hpp>

#include <atomic>
#include <cstdint>

namespace coir {
inline namespace v1 {

class parking_spot;

// Why a wait ended. One word says it, and is decided once:
//
//      63                                     3 2       0
//     +----------------------------------------+---------+
//     | ticket: counts the waits of this fiber | outcome |
//     +----------------------------------------+---------+
//
//     pending --> success     by whoever has what was waited for, under the primitive's lock
//             --> timed_out   by the worker that has the timer, or the waiting thread itself
//             --> cancelled   by the worker the fiber waits on
//             --> deadlock    likewise, when no one can ever decide otherwise
//
// A fiber's word lies in its control block, whose memory is never anything else, and every wait has
// a ticket of its own: one who comes late finds another ticket, and has touched nothing that is
// gone.
//
// Nobody can decide too early, while the fiber still runs on its way to sleep:
//
//     success    the primitive's lock is held until the fiber is suspended (worker::settle), and
//                a waker takes that lock before it looks
//     others     come from the loop of the worker the fiber left its processor to, so after that
//
// And what is on the fiber's stack is not touched too late: who decided makes the fiber ready as
// his last act, and until then it stays where it is; who lost looks at the waiter no more.
enum class wait_outcome : std::uint32_t { pending, success, timed_out, cancelled, deadlock };

constexpr std::uint64_t wait_outcome_bits = 7;

// For a wait in several lists at once (select.hpp). Each list has a waiter of its own, all with one
// word and one ticket, so that one decision ends them all.
//
// The lists have locks of their own, and one lock only is carried over the switch: `shut`. They are
// unlocked before that; who decides passes the gate before it makes the fiber ready.
struct wait_gate {
  spinlock shut;             // held until the fiber is suspended; a thread does not need it
  waiter* winner = nullptr;  // whose list it was; written by who decided for success
};

// The fiber that runs on `here` is about to wait for `what`; gives its ticket.
[[gnu::always_inline]] inline std::uint64_t begin_wait(fiber& self, worker& here,
                                                       const char* what) noexcept {
  // Relaxed: decided long ago, so nobody else writes it; published by the primitive's lock.
  std::uint64_t ticket = (self.wait_word.load(std::memory_order_relaxed) | wait_outcome_bits) + 1;
  // Release: pairs with the acquire of a canceller that finds this ticket.
  self.wait_word.store(ticket, std::memory_order_release);
  // Relaxed: for listings only.
  self.waiting_since.store(here.tick, std::memory_order_relaxed);
  // Relaxed: for listings only.
  self.waiting_for.store(what, std::memory_order_relaxed);
  return ticket;
}

// And runs again.
[[gnu::always_inline]] inline void end_wait(fiber& self) noexcept {
  order_after(&self);  // in waiter::resume()
  // Relaxed: for listings only.
  self.waiting_for.store(nullptr, std::memory_order_relaxed);
}

inline wait_outcome outcome_of(const shared_word<std::uint64_t>& word) noexcept {
  // Relaxed: the switch that brought the fiber back, or the thread's acquire, came after.
  return static_cast<wait_outcome>(word.load(std::memory_order_relaxed) & wait_outcome_bits);
}

// A fiber or a plain thread that waits, on its own stack.
struct waiter {
  // What is waited for, for listings: a string that is never freed.
  explicit waiter(const char* purpose) noexcept : what(purpose) {}
  // One of several, for a list of its own, of a wait that has begun. By values: they have just been
  // written, one by one, and a compiler would read them in pairs, which is slow.
  waiter(const char* purpose, fiber* self, shared_word<std::uint64_t>& decision,
         std::uint64_t number, atomic_cell<std::uint32_t>* flag, wait_gate& shared) noexcept
      : what(purpose),
        gate(&shared),
        who(self),
        ticket(number),
        waits_on(nullptr),
        word(&decision),
        signal(flag),
        sleeper(nullptr) {}
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  // Decides the wait, once: true for the one who did, and he calls resume() when he has handed
  // over what was waited for.
  [[gnu::always_inline]] bool decide(wait_outcome outcome) noexcept {
    std::uint64_t expected = ticket;
    // Acquire and release: pairs with the same in who else tries, and hands over what came before.
    return decision().compare_exchange(expected, ticket | static_cast<std::uint64_t>(outcome),
                                       std::memory_order_acq_rel);
  }

  // The same for success, under the primitive's lock. Where the fiber waits on `here`, the worker
  // of the calling thread, nobody can come between: other wakers want the lock, and all else that
  // decides is done by the worker. Then it costs no read-modify-write.
  bool waits_here(const worker* here) const noexcept {
    return waits_on == here && waits_on != nullptr;
  }
  [[gnu::always_inline]] bool decide_success_here() noexcept {
    // Relaxed: this thread wrote it last, unless it has been decided; then the ticket differs.
    if (who->wait_word.load(std::memory_order_relaxed) != ticket) return false;
    // Release: as in decide().
    who->wait_word.store(ticket | static_cast<std::uint64_t>(wait_outcome::success),
                         std::memory_order_release);
    return true;
  }
  bool decide_success_elsewhere() noexcept;
  bool decide_success() noexcept;  // whichever it is
  void resume() noexcept;

  wait_outcome outcome() const noexcept { return outcome_of(decision()); }

  // What is not initialized is written by begin(), or by push_back(), and not before.

  // -- written by the waiting side before it is published
  const char* what;
  void* slot = nullptr;  // where the waker puts or finds what is handed over
  deadline until;
  wait_gate* gate = nullptr;  // of a wait in several lists
  fiber* who;                 // null: a plain thread, or a scope (cancel_scope.hpp)
  std::uint64_t ticket;
  worker* waits_on;  // where it went to sleep; null for a thread, or with a gate

  // -- likewise, of a plain thread only
  shared_word<std::uint64_t>* word;
  atomic_cell<std::uint32_t>* signal;  // set to 1 when it may go on
  parking_spot* sleeper;               // where it sleeps, if not on its signal

  // -- under the primitive's lock
  wait_list* list = nullptr;  // null in none, but for one that was taken out with success
  waiter* next;               // while in it
  waiter* previous;

  // -- changed under the timers' lock of the worker below; only where there is a deadline
  atomic_cell<worker*> timer_of;  // null when no timer is set
  std::uint32_t timer_index;
  std::uint32_t timer_turn;  // of those with the same deadline

  shared_word<std::uint64_t>& decision() const noexcept {
    return who != nullptr ? who->wait_word : *word;
  }

  // The fiber that runs on `here` is about to wait.
  [[gnu::always_inline]] void begin(worker& here) noexcept { begin(here, !until.is_never()); }
  [[gnu::always_inline]] void begin(worker& here, bool timed) noexcept {
    fiber& self = *here.current;
    who = &self;
    waits_on = &here;
    ticket = begin_wait(self, here, what);
    if (timed) set_timer(here);
  }

  // The fiber runs again.
  [[gnu::always_inline]] void end() noexcept { end(*who, !until.is_never()); }
  [[gnu::always_inline]] void end(fiber& self, bool timed) noexcept {
    end_wait(self);
    if (!timed) return;
    // Acquire: pairs with the release of the loop that fired it and is done with this waiter.
    if (timer_of.load(std::memory_order_acquire) != nullptr) [[unlikely]]
      clear_timer();
  }

  void set_timer(worker& here) noexcept;
  void clear_timer() noexcept;
  void resume_elsewhere() noexcept;
  void resume_to_queue() noexcept;
};

// What a plain thread's wait is decided by, in place of what a fiber has in its control block.
struct thread_decision {
  static constexpr std::uint32_t pending = 0;
  static constexpr std::uint32_t go_on = 1;
  static constexpr std::uint32_t counted =
      2;  // pending, and the thread is in the census of sleepers

  shared_word<std::uint64_t> word;
  atomic_cell<std::uint32_t> signal{pending};

  void begin(waiter& w) noexcept {
    w.who = nullptr;
    w.ticket = 0;
    w.waits_on = nullptr;
    w.word = &word;
    w.signal = &signal;
    w.sleeper = nullptr;
  }
};

inline void wait_list::push_back(waiter& w) noexcept {
  w.list = this;
  w.next = nullptr;
  w.previous = last;
  (last != nullptr ? last->next : first) = &w;
  last = &w;
}

inline void wait_list::remove(waiter& w) noexcept {
  (w.previous != nullptr ? w.previous->next : first) = w.next;
  (w.next != nullptr ? w.next->previous : last) = w.previous;
  w.list = nullptr;
}

// One that is decided here looks at its place in the list no more.
inline waiter* wait_list::pop() noexcept {
  waiter* w = first;
  if (w == nullptr) return nullptr;
  if (!w->waits_here(calling_thread_worker()) || !w->decide_success_here()) return pop_any();
  first = w->next;
  (first != nullptr ? first->previous : last) = nullptr;
  return w;
}

[[gnu::always_inline]] inline void waiter::resume() noexcept {
  worker* here = calling_thread_worker();
  if (!waits_here(here)) [[unlikely]]
    return resume_elsewhere();
  order_before(who);  // pairs with end(): what was handed over is seen
  if (!here->take_back(*who)) [[unlikely]]
    resume_to_queue();
}

// What the door does out of line.
void leave_list(waiter& w, spinlock& lock) noexcept;
wait_outcome wait_as_thread(waiter& w, spinlock* lock) noexcept;
wait_outcome sleep_until_decided(waiter& w) noexcept;

// Throws `cancelled` or `deadlock`; the request is then delivered. Nothing for the other outcomes.
void throw_wait_failure(wait_outcome outcome);

// The worker whose fiber is running here; null on a plain thread.
[[gnu::always_inline]] inline worker* current_worker() noexcept {
  worker* here = calling_thread_worker();
  return here != nullptr && here->current != nullptr ? here : nullptr;
}

// Waits until `w` is decided, or until its deadline. Called with `lock` held, which guards the list
// that `w` is in; returns without it. What did not succeed is in no list any more.
//
// Every primitive expands its own copy: a switch that many callers share is mispredicted.
//
// For a caller who knows: `here` is the current worker, and `timed` whether there is a deadline.
[[gnu::always_inline]] inline wait_outcome wait(waiter& w, spinlock& lock, worker* here,
                                                bool timed) noexcept {
  if (here == nullptr) [[unlikely]]
    return wait_as_thread(w, &lock);
  w.begin(*here, timed);
  fiber& self = here->suspend_current(&lock);
  w.end(self, timed);
  wait_outcome outcome = outcome_of(self.wait_word);
  if (outcome != wait_outcome::success) [[unlikely]]
    leave_list(w, lock);
  return outcome;
}
[[gnu::always_inline]] inline wait_outcome wait(waiter& w, spinlock& lock) noexcept {
  return wait(w, lock, current_worker(), !w.until.is_never());
}

// The same where there is no lock: for what only this worker may touch, and for sleeping.
[[gnu::always_inline]] inline wait_outcome wait_unlocked(waiter& w, worker& here,
                                                         bool timed) noexcept {
  w.begin(here, timed);
  fiber& self = here.suspend_current(nullptr);
  w.end(self, timed);
  return outcome_of(self.wait_word);
}

// The same where nobody can wake but the timer: sleeping.
[[gnu::always_inline]] inline wait_outcome wait_for_deadline(waiter& w) noexcept {
  worker* here = current_worker();
  if (here == nullptr) [[unlikely]]
    return wait_as_thread(w, nullptr);
  return wait_unlocked(w, *here, !w.until.is_never());
}

// The same for a wait in several lists, none of whose locks is held any more. `w` has begun, on a
// fiber or by a thread_decision, and is in no list; the caller takes its other waiters out of
// theirs.
[[gnu::always_inline]] inline wait_outcome wait_at_gate(waiter& w, wait_gate& gate) noexcept {
  worker* here = current_worker();
  if (here == nullptr) [[unlikely]]
    return sleep_until_decided(w);
  here->suspend_current(&gate.shut);
  w.end();
  return w.outcome();
}

}  // namespace v1
}  // namespace coir
