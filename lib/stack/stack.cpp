// stack.cpp - one stack, owned: from the pool, from the heap, or over memory of the caller's.
// SPDX-License-Identifier: BSL-1.0
#include <coir/stack.hpp>

#include "stack/checkers.hpp"
#include "stack/guard.hpp"
#include "stack/mapping.hpp"
#include "stack/pooled_stack.hpp"
#include "stack/stack_cache.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <stdexcept>

namespace coir {
inline namespace v1 {
namespace {

constexpr std::size_t top_alignment = 64;
constexpr std::size_t least_loose = 1024;

constexpr stack_owner anonymous{"context"};

// A stack that is not of the pool keeps its record at the high end of its own memory:
//
//     +------------------------------------------------+-------------+
//     |                   the stack                    | loose_stack |
//     +------------------------------------------------+-------------+
//     limit                                            top, aligned to 64
struct alignas(top_alignment) loose_stack {
  stack_slot record;
  std::byte* heap;  // what goes back to operator delete; null: memory of the caller's
  unsigned int valgrind_id;
};

loose_stack* settle(std::byte* limit, std::byte* end, std::byte* heap) noexcept {
  auto address = reinterpret_cast<std::uintptr_t>(end);
  std::byte* top = end - address % top_alignment - sizeof(loose_stack);
  return new (top) loose_stack{{top, nullptr, nullptr, nullptr}, heap, announce_stack(limit, top)};
}

void release_loose(std::byte* limit, stack_slot* slot) noexcept {
  auto* loose = reinterpret_cast<loose_stack*>(slot);
  std::byte* heap = loose->heap;
  cleanse_stack(limit, slot->top);
  forget_stack(loose->valgrind_id);
  loose->~loose_stack();
  if (heap != nullptr) ::operator delete (heap, std::align_val_t{top_alignment});
}

}  // namespace

pooled_stack take_stack(const stack_options& options) {
  stack_slot* slot = stack_cache::acquire(options);
  slot->owner.store(&anonymous, std::memory_order_relaxed);  // relaxed: see the field
  return pooled_stack(slot);
}

void stack_returner::operator()(stack_slot* slot) const noexcept {
  cleanse_stack(limit_of(*slot), slot->top);
  slot->owner.store(nullptr, std::memory_order_relaxed);  // relaxed: see the field
  stack_cache::release(slot);
}

stack::stack(stack_options options) : slot_(take_stack(options).release()) {
  top_ = slot_->top;
  limit_ = limit_of(*slot_);
}

void stack::release() noexcept {
  if (slot_->home == nullptr) return release_loose(limit_, slot_);
  stack_returner()(slot_);
}

stack stack::from_heap(std::size_t size) {
  if (size == 0) throw std::invalid_argument("coir::stack: a stack of 0 bytes");
  size = std::max(size, least_loose);
  if (size > SIZE_MAX / 2)
    throw std::invalid_argument("coir::stack: the size exceeds any address space");
  const std::size_t bytes = round_up(size, top_alignment) + sizeof(loose_stack);
  auto* heap = static_cast<std::byte*>(::operator new (bytes, std::align_val_t{top_alignment}));
  loose_stack* loose = settle(heap, heap + bytes, heap);
  return {loose->record.top, heap, &loose->record};
}

stack stack::over(std::span<std::byte> memory) {
  if (memory.size() < least_loose)
    throw std::invalid_argument("coir::stack: a stack needs 1 KiB at least");
  loose_stack* loose = settle(memory.data(), memory.data() + memory.size(), nullptr);
  return {loose->record.top, memory.data(), &loose->record};
}

std::size_t stack::touched() const noexcept {
  if (slot_ == nullptr) return 0;
  if (slot_->home == nullptr && reinterpret_cast<loose_stack*>(slot_)->heap == nullptr) return 0;
  return resident_below(top_, limit_);
}

void stack::set_owner(const stack_owner* owner) noexcept {
  // relaxed: see the field
  if (slot_ != nullptr)
    slot_->owner.store(owner != nullptr ? owner : &anonymous, std::memory_order_relaxed);
}

stack_statistics stack_stats() noexcept {
  stack_statistics total{};
  stack_cache::report();
  size_class::count_all(total);
  total.high_water = std::max(total.live, static_cast<std::size_t>(census::most()));
  total.light_guards = light_guards();
  return total;
}

void trim_stacks() noexcept {
  stack_cache::flush();
  size_class::trim_all();
}

}  // namespace v1
}  // namespace coir
