// free_slots.hpp - the free slots of one size class: warm ones in a ring, the others in a list.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stack/reservation.hpp"

#include <array>
#include <cstddef>

namespace coir {
inline namespace v1 {

// A warm slot still has the pages of its last owner; those of a clean one went back to the kernel.
// Warm slots come and go at the top, and are cleaned from the bottom, where the coldest are:
//
//        clean it                                  give, take
//            |                                         |
//     ... [bottom_] [ ] [ ] [ ]  ...  [ ] [bottom_ + warm_ - 1] ...     ring_, mod its size
//
// The ring holds pointers, so that nothing touches the record of a slot that is not moved. Clean
// slots are linked through their records: there is no bound on how many there are.
class free_slots {
 public:
  static constexpr std::size_t capacity = 4096;

  std::size_t warm() const noexcept { return warm_; }
  std::size_t size() const noexcept { return warm_ + clean_count_; }

  // Not more than `capacity`.
  void push_warm(stack_slot* slot) noexcept { ring_[(bottom_ + warm_++) % capacity] = slot; }

  void push_clean(stack_slot* slot) noexcept {
    slot->next = clean_;
    clean_ = slot;
    ++clean_count_;
  }

  // The warmest; null when there is none.
  stack_slot* pop() noexcept {
    if (warm_ != 0) return ring_[(bottom_ + --warm_) % capacity];
    stack_slot* slot = clean_;
    if (slot != nullptr) {
      clean_ = slot->next;
      --clean_count_;
    }
    return slot;
  }

  // The coldest of the warm ones; there is one.
  stack_slot* pop_coldest() noexcept {
    --warm_;
    return ring_[bottom_++ % capacity];
  }

 private:
  std::size_t bottom_ = 0;
  std::size_t warm_ = 0;
  stack_slot* clean_ = nullptr;
  std::size_t clean_count_ = 0;
  std::array<stack_slot*, capacity> ring_;
};

}  // namespace v1
}  // namespace coir
