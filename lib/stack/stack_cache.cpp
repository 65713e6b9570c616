// stack_cache.cpp - a thread's free stacks: what happens when the fast way is closed.
// SPDX-License-Identifier: BSL-1.0
#include "stack/stack_cache.hpp"

#include <new>

namespace coir {
inline namespace v1 {
namespace {

// Set when the thread's cache has gone: what is given back still later goes straight to the class.
constinit thread_local bool left = false;

}  // namespace

constinit stack_bin stack_cache::nobodys{};

stack_slot* stack_cache::acquire_slowly(const stack_options& asked) {
  size_class::taken result;
  if (stack_cache* cache = mine()) {
    stack_bin* bin = cache->bin_for(asked);
    if (stack_slot* slot = bin->pop()) return slot;
    result = bin->home->refill(*bin);
  } else {
    result = size_class::of(shape_for(asked)).take();
  }
  if (result.slot == nullptr) throw_refusal(result.why, asked);
  return result.slot;
}

void stack_cache::release_slowly(stack_slot* slot) noexcept {
  stack_cache* cache = mine();
  stack_bin* bin = cache != nullptr ? cache->bin_of(*slot->home) : nullptr;
  if (bin == nullptr) return slot->home->give(slot);
  if (bin->push(slot)) return;
  bin->home->drain(*bin, bin->limit / 2);
  bin->push(slot);
}

void stack_cache::report() noexcept {
  if (stack_cache* cache = calling_thread().stacks) {
    cache->current_->tally();
    cache->share_.report();
  }
}

void stack_cache::flush() noexcept {
  if (stack_cache* cache = calling_thread().stacks)
    for (stack_bin* each = cache->bins_; each != nullptr; each = each->sibling)
      each->home->drain(*each, 0);
}

const thread_exit& stack_cache::at_exit() noexcept {
  static const thread_exit only(&leave);
  return only;
}

void stack_cache::prepare() noexcept {
  at_exit();
}

// The calling thread's cache, made when it first asks; null where there can be none.
stack_cache* stack_cache::mine() noexcept {
  stack_cache*& slot = calling_thread().stacks;
  if (slot != nullptr || left) return slot;
  auto* made = new (std::nothrow) stack_cache;
  if (made == nullptr) return nullptr;
  if (!at_exit().arm(made)) {
    delete made;
    return nullptr;
  }
  return slot = made;
}

void stack_cache::leave(void* cache) noexcept {
  left = true;
  calling_thread().stacks = nullptr;
  delete static_cast<stack_cache*>(cache);
}

stack_cache::~stack_cache() {
  use(&nobodys);
  while (stack_bin* bin = bins_) {
    bins_ = bin->sibling;
    bin->home->retire(*bin);
    delete bin;
  }
}

// The bin for a size, which becomes the one in use. Throws as shape_for() and operator new.
stack_bin* stack_cache::bin_for(const stack_options& asked) {
  for (stack_bin* each = bins_; each != nullptr; each = each->sibling)
    if (each->asked.size == asked.size && each->asked.guard_size == asked.guard_size)
      return use(each);
  const stack_shape shape = shape_for(asked);
  stack_bin* bin = bins_;
  while (bin != nullptr && !(bin->home->shape() == shape)) bin = bin->sibling;
  bin = bin_of(bin != nullptr ? *bin->home : size_class::of(shape));
  if (bin == nullptr) throw std::bad_alloc();
  bin->asked = asked;
  return bin;
}

// The bin of a class, which becomes the one in use; null when there is no memory for it.
stack_bin* stack_cache::bin_of(size_class& home) noexcept {
  stack_bin* bin = bins_;
  while (bin != nullptr && bin->home != &home) bin = bin->sibling;
  if (bin == nullptr) {
    bin = new (std::nothrow) stack_bin;
    if (bin == nullptr) return nullptr;
    home.adopt(*bin);
    bin->share = &share_;
    bin->sibling = bins_;
    bins_ = bin;
  }
  return use(bin);
}

stack_bin* stack_cache::use(stack_bin* bin) noexcept {
  if (bin != current_) current_->tally();
  return current_ = bin;
}

}  // namespace v1
}  // namespace coir
