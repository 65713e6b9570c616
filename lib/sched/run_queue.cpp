// run_queue.cpp - the rare parts of a run queue: growing, and being stolen from.
// SPDX-License-Identifier: BSL-1.0
#include <coir/run_queue.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace coir {
inline namespace v1 {

run_queue::~run_queue() {
  std::free(slots_);
}

void run_queue::grow() {
  std::uint32_t capacity = slots_ == nullptr ? 64 : 2 * (mask_ + 1);
  auto* slots = static_cast<entry*>(std::calloc(capacity, sizeof(entry)));
  if (slots == nullptr) throw std::bad_alloc();
  for (std::uint32_t at = head_; at != tail_; ++at) slots[at & (capacity - 1)] = slots_[at & mask_];
  std::free(slots_);
  slots_ = slots;
  mask_ = capacity - 1;
}

fiber* run_queue::steal(bool& is_fresh) noexcept {
  for (std::uint32_t at = head_; at != tail_; ++at) {
    entry& found = slots_[at & mask_];
    if (found == 0 || fiber_of(found).pinned) continue;
    fiber* taken = &fiber_of(found);
    is_fresh = (found & fresh_bit) != 0;
    found = 0;
    while (head_ != tail_ && slots_[head_ & mask_] == 0) ++head_;
    return taken;
  }
  return nullptr;
}

}  // namespace v1
}  // namespace coir
