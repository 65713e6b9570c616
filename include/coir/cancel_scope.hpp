// cancel_scope.hpp - a stretch of a fiber's calls that is asked to end as a whole.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/wait.hpp>

#include <cstdint>

namespace coir {
inline namespace v1 {

// Thrown out of a wait by a scope that turns it into something else where it ends. Whoever stands
// between sees a cancellation, and an inner scope does not take it for its own.
class scope_cancelled : public cancelled {
 public:
  explicit scope_cancelled(const cancel_scope& from) noexcept : from_(&from) {}
  // Compared only: by the time a handler runs it may be closed.
  const cancel_scope& scope() const noexcept { return *from_; }

 private:
  const cancel_scope* from_;
};

// Scopes nest with the calls of the fiber that opens them: each is closed before those around it.
//
//     open --> expired     by its deadline, or by expire(), from any thread
//     expired --> told     by the fiber, at its next cancellation point, once; of several scopes
//                          the outermost first, since that ends the others as well
//
// What becomes of a scope that expired and closed before a cancellation point: nothing.
class cancel_scope {
 public:
  enum class kind : std::uint8_t {
    throws_timed_out,       // for scopes whose end turns nothing into anything
    throws_scope_cancelled  // for those that catch it and throw what is theirs
  };

  // Throws std::logic_error on a plain thread.
  explicit cancel_scope(kind what);
  cancel_scope(const cancel_scope&) = delete;
  cancel_scope& operator=(const cancel_scope&) = delete;
  ~cancel_scope();

  // The fiber itself. Throws std::logic_error where it has expired.
  void set_deadline(deadline until);
  deadline until() const noexcept { return timer_.until; }

  // Any thread, while it is open.
  void expire() noexcept;
  bool expired() const noexcept {
    // Acquire: pairs with the release in mark().
    return state_.load(std::memory_order_acquire) != open;
  }

  // Engine level: for the worker that has the timer; under its lock. The fiber, whose wait is then
  // to be interrupted, which keeps it from closing the scope meanwhile.
  static fiber& fire(waiter& timer) noexcept;

  // Whether one has expired, and is still open, that throws timed_out in this fiber.
  static bool timeout_has_expired() noexcept;

  // Engine level: tells the fiber of its outermost scope that has expired; returns where none has.
  static void tell(fiber& self);

 private:
  static constexpr std::uint32_t open = 0;
  static constexpr std::uint32_t has_expired = 1;
  static constexpr std::uint32_t told = 2;

  bool mark() noexcept;
  void tell_again() noexcept;
  static void take_back(fiber& self) noexcept;

  fiber& owner_;
  cancel_scope* const outer_;
  const int exceptions_;  // in flight when it was opened
  const kind kind_;
  atomic_cell<std::uint32_t> state_{open};
  waiter timer_{"a scope"};  // of nobody; its slot leads here
};

}  // namespace v1
}  // namespace coir
