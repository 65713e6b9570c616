// reservation.hpp - one mapping, cut in slots; and the way from an address back to its slot.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stack/shape.hpp"

#include <coir/stack.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace coir {
inline namespace v1 {

class size_class;

// The record of one slot: apart from the stack's own pages, which nobody but its owner touches.
// Also at the high end of a stack that is not of the pool (loose_stack, stack.cpp).
struct stack_slot {
  // Written once, when the slot is cut.
  std::byte* top;
  size_class* home;  // null: not of the pool

  // Null when free. Written by whoever holds the slot, read by the handler of a fault on this very
  // stack; relaxed: both are one thread, or the fault is a stray access and the answer a guess.
  std::atomic<const stack_owner*> owner;

  // Under home's mutex, when free and its pages are given back.
  stack_slot* next;

  std::byte* limit_in(const stack_shape& shape) const noexcept {
    return end_of_slot(top) - shape.usable;
  }
};
static_assert(sizeof(stack_slot) == 4 * sizeof(void*), "two records share a cache line");

// The mapping. It is never given back, so a handler may walk all of them at any time:
//
//     +-------------+--------------------------+---------+---------+-- ... --+---------+
//     | reservation | stack_slot x slots       | slot 0  | slot 1  |         | slot n-1|
//     +-------------+--------------------------+---------+---------+-- ... --+---------+
//     this          records()                  first_    one stride each, see shape.hpp
//
// Records cost memory only as far as slots were cut: their pages are touched one after another.
class alignas(64) reservation {
 public:
  // Null when the kernel refuses a mapping of that size. `before` slots of the class have colors.
  static reservation* make(size_class& home, const stack_shape& shape, std::size_t slots,
                           std::size_t before) noexcept;

  // What one of `slots` slots takes of the address space.
  static std::size_t bytes_for(const stack_shape& shape, std::size_t slots) noexcept;

  bool full() const noexcept {
    return cut_.load(std::memory_order_relaxed) == slots_;  // relaxed: as in cut()
  }

  // The next slot, guarded; null when no guard is to be had. Under the class's mutex; not full().
  stack_slot* cut() noexcept;

  struct hit {
    const stack_owner* owner;  // null: no guard of a stack in use
    const stack_shape* shape;
    const std::byte* limit;
  };

  // The stack in whose guard an address lies. For signal handlers: no lock, no allocation.
  static hit find_guard(const void* address) noexcept;

 private:
  reservation(size_class& home, const stack_shape& shape, std::size_t slots, std::size_t before,
              std::byte* first) noexcept
      : home_(&home), shape_(&shape), slots_(slots), before_(before), first_(first) {}

  stack_slot* records() noexcept { return reinterpret_cast<stack_slot*>(this + 1); }
  void publish() noexcept;

  // Written once, before publish().
  size_class* home_;
  const stack_shape* shape_;
  std::size_t slots_;
  std::size_t before_;
  std::byte* first_;
  reservation* older_ = nullptr;

  // Under the class's mutex.
  bool light_ = true;

  // Under the class's mutex, read by handlers: the store in cut() is a release, so that the record
  // of a slot that find_guard() sees counted is written.
  std::atomic<std::size_t> cut_{0};
};

}  // namespace v1
}  // namespace coir
