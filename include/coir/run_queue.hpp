// run_queue.hpp - the ready fibers of one worker: a ring of pointers, first come, first served.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

// The address of the next fiber never comes from cold memory: it comes from here.
//
//     slots_   [ . . . | f | f* | - | f | . . . ]        f   ready fiber
//                        ^head            ^tail           f*  fresh fiber (low bit set)
//                                                         -   taken out of turn
//
// Positions count up for ever and are masked on access, so an entry keeps its position when the
// ring grows. Guarded by the worker's biased lock; the lock's owner is the only one that pushes.
class run_queue {
 public:
  using entry = std::uintptr_t;
  static constexpr entry fresh_bit = 1;

  run_queue() = default;
  run_queue(const run_queue&) = delete;
  run_queue& operator=(const run_queue&) = delete;
  ~run_queue();

  bool empty() const noexcept { return head_ == tail_; }

  // Entries, those taken out of turn included.
  std::uint32_t size() const noexcept { return tail_ - head_; }

  std::uint32_t front_position() const noexcept { return head_; }

  bool holds(const fiber& fresh) const noexcept {
    return fresh.position - head_ < tail_ - head_ &&
           slots_[fresh.position & mask_] == (reinterpret_cast<entry>(&fresh) | fresh_bit);
  }

  // The oldest entry; the queue is not empty. May be 0.
  [[gnu::always_inline]] entry front() const noexcept { return slots_[head_ & mask_]; }
  [[gnu::always_inline]] void drop_front() noexcept { ++head_; }

  // Asks for what the fibers a few switches away need: first the header, then, when that has come,
  // the top of the stack it points to. Few fibers are in the cache anyway.
  [[gnu::always_inline]] void prefetch() const noexcept {
    if (size() <= header_ahead) return;
    // May be an empty place: an address only, not a fiber.
    entry far = slots_[(head_ + header_ahead) & mask_] & ~fresh_bit;
    __builtin_prefetch(reinterpret_cast<const void*>(far));
    if (entry near = slots_[(head_ + stack_ahead) & mask_]; near != 0)
      fiber_of(near).ctx.prefetch_stack();
  }

  // After drop_front() there is room; otherwise call reserve() first.
  [[gnu::always_inline]] void push_back(fiber& ready) noexcept {
    slots_[tail_++ & mask_] = reinterpret_cast<entry>(&ready);
  }
  [[gnu::always_inline]] void push_back_fresh(fiber& fresh) noexcept {
    fresh.position = tail_;
    slots_[tail_++ & mask_] = reinterpret_cast<entry>(&fresh) | fresh_bit;
  }

  // Room for one more. Throws std::bad_alloc, and then nothing is lost.
  [[gnu::always_inline]] void reserve() {
    if (full()) [[unlikely]]
      grow();
  }
  bool full() const noexcept { return size() == mask_ + 1; }

  // Takes a fresh fiber out of turn, and with it any empty places at the end.
  void take(fiber& fresh) noexcept {
    slots_[fresh.position & mask_] = 0;
    while (tail_ != head_ && slots_[(tail_ - 1) & mask_] == 0) --tail_;
  }

  // Takes the oldest fiber that is not pinned, leaving an empty place; null if there is none.
  fiber* steal(bool& is_fresh) noexcept;

  static constexpr std::uint32_t header_ahead = 32;
  static constexpr std::uint32_t stack_ahead = 16;

  static fiber& fiber_of(entry e) noexcept { return *reinterpret_cast<fiber*>(e & ~fresh_bit); }

 private:
  [[gnu::noinline, gnu::cold]] void grow();

  entry* slots_ = nullptr;
  std::uint32_t mask_ = UINT32_MAX;  // the capacity less one
  std::uint32_t head_ = 0;
  std::uint32_t tail_ = 0;
};

}  // namespace v1
}  // namespace coir
