// select_branch.hpp - one alternative of a select, as the engine that decides between them sees it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/channel_queue.hpp>
#include <coir/deadline.hpp>
#include <coir/spinlock.hpp>
#include <coir/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace coir {
inline namespace v1 {

// What the engine asks of a branch, in this order. A kind of its own of thing to wait for is a
// class derived from this one, of the kind `source`.
//
//     prepare()    nothing is held; may throw. Only if `prepares`, and then conclude() at the end
//     ready()      under lock(): may attempt() succeed? If not, whoever changes that takes the lock
//     attempt()    under lock(): takes effect, or does nothing
//     provide()    nothing is held: after an attempt() that wants memory; may throw
//     enqueue()    under lock(): puts node() where it is found, to be popped when it has won
//     won_by_waiting()   nothing is held; node() was popped
//     conclude()   nothing is held; the branch has won or lost
//     complete()   nothing is held; the branch has won. May throw
//
// The engine takes node() out again itself. Of channels it knows itself what ready() and enqueue()
// would do: that is half of what a select costs.
class select_branch {
 public:
  enum class kind : std::uint8_t { receive, send, source, timeout, otherwise };
  enum class attempted : std::uint8_t { done, in_vain, wants_memory };

  virtual void prepare() {}
  virtual bool ready() noexcept { return false; }
  virtual attempted attempt(waiter*& /*decided*/) noexcept { return attempted::in_vain; }
  virtual void provide() {}
  virtual void enqueue() noexcept {}
  virtual void won_by_waiting() noexcept {}
  virtual void conclude() {}
  virtual void complete() = 0;

  // It is kept beyond the expression that made it, and what it refers to may not be.
  virtual void keep() {}

  virtual ~select_branch() = default;
  select_branch& operator=(const select_branch&) = delete;

  kind what() const noexcept { return kind_; }
  bool waits() const noexcept { return kind_ <= kind::source; }
  bool prepares() const noexcept { return prepares_; }
  spinlock* lock() const noexcept { return lock_; }
  channel_state& state() const noexcept { return *state_; }
  void* slot() const noexcept { return slot_; }
  deadline until() const noexcept { return until_; }
  waiter& node() noexcept { return node_; }

  // Whether attempt() may still succeed; the engine's own.
  bool candidate = false;

 protected:
  explicit select_branch(kind what, spinlock* lock = nullptr,
                         channel_state* state = nullptr) noexcept
      : kind_(what), lock_(lock), state_(state) {}
  // A branch is moved before the select only, when its node is not in use.
  select_branch(select_branch&& other) noexcept
      : kind_(other.kind_),
        prepares_(other.prepares_),
        lock_(other.lock_),
        state_(other.state_),
        slot_(other.slot_),
        until_(other.until_) {}

  kind kind_;
  bool prepares_ = false;
  spinlock* lock_;        // guards what is waited for; null: it needs none
  channel_state* state_;  // of a channel
  void* slot_ = nullptr;  // of its waiter
  deadline until_;        // of a timeout
  union {
    waiter node_;  // alive from before enqueue(); trivially destroyed
  };
};

// One wait of a fiber or thread for several things.
//
//     all locks are taken, in the order of their addresses; then either
//       one of the branches that are ready is picked and takes effect, or
//       every branch gets its node into its list;
//     all locks are released
//     it waits, behind its gate (wait_gate)
//     the one that won is known; the nodes of the others are taken back
//
// Nobody who selects is in a list while it looks at the others, so it never meets itself; and two
// that select from the same channels exclude each other while they look.
class select_round {
 public:
  static constexpr std::size_t none = SIZE_MAX;

  // `locks` has room for as many as there are branches.
  select_round(std::span<select_branch* const> branches, spinlock** locks) noexcept
      : branches_(branches), locks_(locks) {}

  // The branch that won, or none: then it is to wait(), and to finish().
  std::size_t start();
  [[gnu::always_inline]] wait_outcome wait() noexcept { return wait_at_gate(main_, gate_); }
  std::size_t finish(wait_outcome outcome);

 private:
  // What look() sees: how many may be ready, the last of those, and what to do if there are none.
  struct view {
    std::size_t candidates;
    std::size_t last;
    std::size_t otherwise;
  };

  void prepare();
  void lock_all() noexcept;
  void unlock_all() noexcept;
  view look() noexcept;
  std::size_t pick(std::size_t candidates) const noexcept;
  void enqueue_all() noexcept;
  std::size_t decide();
  std::size_t take_back(wait_outcome outcome) noexcept;
  void conclude();

  std::span<select_branch* const> branches_;
  spinlock** locks_;
  std::size_t lock_count_ = 0;
  bool concludes_ = false;  // some branch wants it
  deadline until_;
  wait_gate gate_;
  union {
    waiter main_;  // alive from enqueue_all() on; trivially destroyed
  };
  thread_decision own_;  // on a plain thread
};

}  // namespace v1
}  // namespace coir
