// reservation.cpp - one mapping, cut in slots; and the way from an address back to its slot.
// SPDX-License-Identifier: BSL-1.0
#include "stack/reservation.hpp"

#include "stack/checkers.hpp"
#include "stack/guard.hpp"
#include "stack/mapping.hpp"

namespace coir {
inline namespace v1 {
namespace {

// All reservations, newest first; nothing is ever taken off. The release in publish() pairs with
// the acquire in find_guard(): who sees a reservation sees its fields.
constinit std::atomic<reservation*> newest{nullptr};

std::size_t head_bytes(std::size_t slots) noexcept {
  return round_up(sizeof(reservation) + slots * sizeof(stack_slot), page_size());
}

}  // namespace

std::size_t reservation::bytes_for(const stack_shape& shape, std::size_t slots) noexcept {
  return head_bytes(slots) + slots * shape.stride;
}

reservation* reservation::make(size_class& home, const stack_shape& shape, std::size_t slots,
                               std::size_t before) noexcept {
  std::byte* base = map_pages(bytes_for(shape, slots));
  if (base == nullptr) return nullptr;
  auto* made = new (base) reservation(home, shape, slots, before, base + head_bytes(slots));
  made->publish();
  return made;
}

void reservation::publish() noexcept {
  older_ = newest.load(std::memory_order_relaxed);  // relaxed: the exchange below checks it
  // release: pairs with the acquire in find_guard(). On failure older_ is read again, relaxed: it
  // is only linked, not looked into.
  while (!newest.compare_exchange_weak(older_, this, std::memory_order_release,
                                       std::memory_order_relaxed)) {
  }
}

stack_slot* reservation::cut() noexcept {
  const std::size_t index = cut_.load(std::memory_order_relaxed);  // relaxed: under the mutex
  std::byte* base = first_ + index * shape_->stride;
  if (shape_->guard != 0) {
    guard_result guard = put_guard(base, shape_->guard, light_);
    if (guard == guard_result::none_left) return nullptr;
    light_ = guard == guard_result::light;
  }
  std::byte* top = base + shape_->stride - color_of(before_ + index);
  auto* slot = new (records() + index) stack_slot{top, home_, nullptr, nullptr};
  announce_stack(base + shape_->guard, top);
  cut_.store(index + 1, std::memory_order_release);  // pairs with the acquire in find_guard()
  return slot;
}

reservation::hit reservation::find_guard(const void* address) noexcept {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  // acquire: pairs with the release in publish()
  for (reservation* each = newest.load(std::memory_order_acquire); each != nullptr;
       each = each->older_) {
    const auto first = reinterpret_cast<std::uintptr_t>(each->first_);
    const stack_shape& shape = *each->shape_;
    const std::size_t index = (wanted - first) / shape.stride;  // huge when below
    // acquire: pairs with the release in cut()
    if (index >= each->cut_.load(std::memory_order_acquire)) continue;
    const std::byte* base = each->first_ + index * shape.stride;
    if (static_cast<const std::byte*>(address) >= base + shape.guard) break;
    // relaxed: see the field
    return {each->records()[index].owner.load(std::memory_order_relaxed), &shape,
            base + shape.guard};
  }
  return {nullptr, nullptr, nullptr};
}

}  // namespace v1
}  // namespace coir
