// fiber_pool.hpp - where control blocks come from, and how all of them are visited.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/arch.hpp>
#include <coir/fiber.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace coir {
inline namespace v1 {

// A thread's own free blocks, and numbers for its next fibers. Owner only; what is left goes back
// when the thread ends.
class fiber_cache {
 public:
  fiber_cache() = default;
  fiber_cache(const fiber_cache&) = delete;
  fiber_cache& operator=(const fiber_cache&) = delete;
  ~fiber_cache();

  // The calling thread's.
  static fiber_cache& mine() {
    fiber_cache* own = calling_thread().fibers;
    return own != nullptr ? *own : make();
  }

  // Throws std::bad_alloc.
  fiber& take() {
    if (first_ == nullptr || next_id_ == last_id_) [[unlikely]]
      refill();
    fiber& f = *first_;
    first_ = f.next;
    --size_;
    f.id = next_id_++;
    return f;
  }

  void put(fiber& f) noexcept {
    f.next = first_;
    first_ = &f;
    if (++size_ > most) [[unlikely]]
      give_back(most / 2);
  }

 private:
  static constexpr std::size_t batch = 64;
  static constexpr std::size_t most = 4 * batch;
  static constexpr std::uint64_t numbers = 1024;

  [[gnu::noinline, gnu::cold]] static fiber_cache& make();
  [[gnu::noinline, gnu::cold]] void refill();
  [[gnu::noinline, gnu::cold]] void give_back(std::size_t keep) noexcept;

  fiber* first_ = nullptr;  // linked by fiber::next
  std::size_t size_ = 0;
  std::uint64_t next_id_ = 0;
  std::uint64_t last_id_ = 0;
};

// A block with one reference for the fiber itself and one for its first handle. Its memory comes
// from slabs that are never anything else and never go back, so that a block may be looked at by
// one who holds no reference: he finds that fiber, another one, or none.
//
// Throws std::bad_alloc. Cost: a few nanoseconds from the thread's own list.
[[gnu::always_inline]] inline fiber& make_fiber() {
  fiber& f = fiber_cache::mine().take();
  f.pinned = f.preserve_fenv = f.runs_to_the_end = f.body_over = f.told_of_swallowing = false;
  // Relaxed: nobody else knows this fiber yet; what publishes it, publishes this.
  f.requests.store(0, std::memory_order_relaxed);
  // Relaxed: likewise.
  f.told_of_end.store(0, std::memory_order_relaxed);
  // Relaxed: likewise.
  f.times_asked.store(0, std::memory_order_relaxed);
  // Relaxed: likewise.
  f.state.store(fiber_state::fresh, std::memory_order_relaxed);
  // Release: one who finds the block in its slab takes its reference by an acquire.
  f.references.store(2, std::memory_order_release);
  return f;
}

// Takes a reference to a block that the caller has none to; false where it is free.
inline bool hold_fiber(fiber& f) noexcept {
  // Relaxed: the exchange decides.
  std::uint64_t count = f.references.load(std::memory_order_relaxed);
  // Acquire: pairs with the release in make_fiber().
  while (count != 0 &&
         !f.references.compare_exchange(count, count + 1, std::memory_order_acquire)) {
  }
  return count != 0;
}

// Drops a reference; whether it was the last one. Then the caller calls recycle_fiber().
[[gnu::always_inline]] inline bool drop_reference(fiber& f) noexcept {
  // Acquire: the last one sees what all others did. Alone already: nobody can come any more.
  return f.references.load(std::memory_order_acquire) == 1 ||
         // Release and acquire: pairs with itself in the other holders.
         f.references.fetch_add(~std::uint64_t{0}, std::memory_order_acq_rel) == 1;
}

// Reports the exception where that is due, and destroys it, with all that is known of it.
[[gnu::noinline, gnu::cold]] void drop_failure(fiber& f) noexcept;

// Destroys result and exception, which runs the user's destructors.
inline void drop_outcome(fiber& f) noexcept {
  if (f.operations != nullptr && f.operations->destroy != nullptr) f.operations->destroy(f);
  f.operations = nullptr;
  if (f.failure != nullptr) [[unlikely]]
    drop_failure(f);
}

// The same, and gives the block back.
void recycle_fiber(fiber& f) noexcept;

inline void release_fiber(fiber& f) noexcept {
  if (drop_reference(f)) recycle_fiber(f);
}

// Makes what the first fiber of a process makes for all. Throws std::bad_alloc.
void prepare_fibers();

// Calls `visit` for every fiber that exists. Nothing is held: the fiber may end and its block may
// be taken for another meanwhile, so only its atomic members and what its lock guards may be looked
// at.
void visit_fibers(const std::function<void(fiber&)>& visit);

}  // namespace v1
}  // namespace coir
