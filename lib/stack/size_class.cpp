// size_class.cpp - all stacks of one shape: cuts them, keeps the free ones, cleans the cold ones.
// SPDX-License-Identifier: BSL-1.0
#include "stack/size_class.hpp"

#include "arch/fork.hpp"
#include "stack/mapping.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace coir {
inline namespace v1 {
namespace {

constexpr bool roomy = sizeof(void*) >= 8;
constexpr std::size_t mib = std::size_t{1} << 20;

// A bin keeps what a worker's comings and goings need: 128 stacks, fewer where they are large.
constexpr std::size_t bin_bytes = 16 * mib;
constexpr std::size_t least_in_bin = 1;

// Warm slots of a class. A page given back and touched again costs 2.5 us, a hundred times what a
// recycled stack costs, so there are many; but the kernel gets the rest after a burst. At the very
// worst, each touched to the end, they hold these bytes, or one stack that is larger. Mostly each
// has touched a page or two, and 4 000 of them hold 16 MiB or 32.
constexpr std::size_t warm_bytes = roomy ? 256 * mib : 16 * mib;
constexpr std::size_t least_warm = 1;
constexpr std::size_t most_warm = free_slots::capacity - stack_bin::capacity;

// Reservations double what there is, so that a million stacks are some twenty mappings.
constexpr std::size_t first_slots = 16;
constexpr std::size_t first_bytes = roomy ? 64 * mib : 2 * mib;
constexpr std::size_t most_bytes = roomy ? 65536 * mib : 16 * mib;
constexpr std::size_t share_of_limit = 16;  // of ulimit -v, at a time: the program needs some too

// Registry of all classes, newest first. Nothing is ever taken off.
struct registry {
  std::mutex mutex;
  size_class* newest = nullptr;  // under mutex
};

registry& the_registry() noexcept {
  // Never destroyed: a stack may be given back by the last destructor of the program.
  alignas(registry) static std::byte memory[sizeof(registry)];
  static registry* instance = [] {
    auto* made = new (memory) registry;
    hold_over_forks(lock_of_process::stacks, &size_class::lock_all, &size_class::unlock_all);
    return made;
  }();
  return *instance;
}

size_class* newest_class() noexcept {
  std::lock_guard lock(the_registry().mutex);
  return the_registry().newest;
}

}  // namespace

// Slots to be cleaned, out of everybody's reach.
struct size_class::victims {
  std::array<stack_slot*, stack_bin::capacity> slots;
  std::size_t count = 0;
};

size_class::size_class(const stack_shape& shape) noexcept
    : shape_(shape),
      bin_limit_(static_cast<std::uint32_t>(
          std::clamp<std::size_t>(bin_bytes / shape.usable, least_in_bin, stack_bin::capacity))),
      warm_limit_(std::clamp(warm_bytes / shape.usable, least_warm, most_warm)) {}

size_class& size_class::of(const stack_shape& shape) {
  std::lock_guard lock(the_registry().mutex);
  for (size_class* each = the_registry().newest; each != nullptr; each = each->next_class_)
    if (each->shape_ == shape) return *each;
  auto* made = new size_class(shape);
  made->next_class_ = std::exchange(the_registry().newest, made);
  return *made;
}

void size_class::adopt(stack_bin& bin) noexcept {
  bin.home = this;
  bin.limit = bin_limit_;
  std::lock_guard lock(mutex_);
  bin.next = bins_;
  if (bins_ != nullptr) bins_->previous = &bin;
  bins_ = &bin;
}

void size_class::retire(stack_bin& bin) noexcept {
  drain(bin, 0);
  std::lock_guard lock(mutex_);
  (bin.previous != nullptr ? bin.previous->next : bins_) = bin.next;
  if (bin.next != nullptr) bin.next->previous = bin.previous;
}

size_class::taken size_class::refill(stack_bin& bin) noexcept {
  bin.report();
  std::lock_guard lock(mutex_);
  taken result = take_locked();
  if (result.slot == nullptr) return result;
  // The warmest go to the top of the bin.
  const std::size_t more = std::min<std::size_t>(bin.limit / 2, free_.size());
  for (std::size_t i = more; i-- > 0;) bin.slots[i] = free_.pop();
  bin.set_size(static_cast<std::uint32_t>(more));
  bin.lowest = bin.size();
  bin.drawn += static_cast<std::ptrdiff_t>(more) + 1;
  return result;
}

void size_class::drain(stack_bin& bin, std::uint32_t keep) noexcept {
  bin.report();
  victims cold;
  {
    std::lock_guard lock(mutex_);
    const std::uint32_t leaving = bin.size() - keep;
    for (std::uint32_t i = 0; i < leaving; ++i) free_.push_warm(bin.slots[i]);
    std::copy_n(bin.slots.begin() + leaving, keep, bin.slots.begin());
    bin.set_size(keep);
    bin.lowest = keep;
    bin.drawn -= leaving;
    while (free_.warm() > warm_limit_) cold.slots[cold.count++] = free_.pop_coldest();
    being_clean_ += cold.count;
  }
  clean(cold);
}

size_class::taken size_class::take() noexcept {
  std::ptrdiff_t reported = 0;
  std::lock_guard lock(mutex_);
  taken result = take_locked();
  if (result.slot != nullptr) census::report(reported, 1, 1);
  return result;
}

void size_class::give(stack_slot* slot) noexcept {
  std::ptrdiff_t reported = 0;
  victims cold;
  {
    std::lock_guard lock(mutex_);
    census::report(reported, -1, 0);
    free_.push_warm(slot);
    if (free_.warm() > warm_limit_) cold.slots[cold.count++] = free_.pop_coldest();
    being_clean_ += cold.count;
  }
  clean(cold);
}

size_class::taken size_class::take_locked() noexcept {
  if (stack_slot* slot = free_.pop()) return {slot, refusal::none};
  if (newest_ == nullptr || newest_->full()) {
    refusal why = grow();
    if (why != refusal::none) return {nullptr, why};
  }
  stack_slot* slot = newest_->cut();
  if (slot == nullptr) return {nullptr, refusal::no_guard};
  ++cut_;
  return {slot, refusal::none};
}

// Halves what it asks for until the kernel grants it: address space may be limited, or charged
// (vm.overcommit_memory 2, locked memory).
refusal size_class::grow() noexcept {
  const std::size_t bytes = std::min(most_bytes, most_address_space() / share_of_limit);
  std::size_t slots =
      reserved_ != 0 ? reserved_ : std::min(first_slots, first_bytes / shape_.stride);
  slots = std::max<std::size_t>(std::min(slots, bytes / shape_.stride), 1);
  for (; slots != 0; slots /= 2) {
    if (reservation* made = reservation::make(*this, shape_, slots, reserved_)) {
      newest_ = made;
      reserved_ += slots;
      reserved_bytes_ += reservation::bytes_for(shape_, slots);
      ++reservations_;
      return refusal::none;
    }
  }
  return errno == EAGAIN ? refusal::locked_memory : refusal::no_memory;
}

// Outside the mutex: others go on while the kernel works.
void size_class::clean(const victims& cold) noexcept {
  if (cold.count == 0) return;
  for (std::size_t i = 0; i < cold.count; ++i)
    give_back(cold.slots[i]->limit_in(shape_), shape_.usable);
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < cold.count; ++i) free_.push_clean(cold.slots[i]);
  being_clean_ -= cold.count;
}

void size_class::trim() noexcept {
  for (;;) {
    victims cold;
    {
      std::lock_guard lock(mutex_);
      while (free_.warm() != 0 && cold.count < cold.slots.size())
        cold.slots[cold.count++] = free_.pop_coldest();
      being_clean_ += cold.count;
    }
    if (cold.count == 0) return;
    clean(cold);
  }
}

void size_class::trim_all() noexcept {
  for (size_class* each = newest_class(); each != nullptr; each = each->next_class_) each->trim();
}

void size_class::prepare() noexcept {
  the_registry();
}

void size_class::lock_all() noexcept {
  the_registry().mutex.lock();
  for (size_class* each = the_registry().newest; each != nullptr; each = each->next_class_)
    each->mutex_.lock();
}

void size_class::unlock_all() noexcept {
  for (size_class* each = the_registry().newest; each != nullptr; each = each->next_class_)
    each->mutex_.unlock();
  the_registry().mutex.unlock();
}

void size_class::count(stack_statistics& total) noexcept {
  std::lock_guard lock(mutex_);
  std::size_t in_bins = 0;
  for (stack_bin* each = bins_; each != nullptr; each = each->next) in_bins += each->size();
  total.live += cut_ - free_.size() - being_clean_ - in_bins;
  total.cached += free_.warm() + in_bins;
  total.reserved_bytes += reserved_bytes_;
  total.reservations += reservations_;
}

void size_class::count_all(stack_statistics& total) noexcept {
  for (size_class* each = newest_class(); each != nullptr; each = each->next_class_)
    each->count(total);
}

}  // namespace v1
}  // namespace coir
