// stack_bin.hpp - the free stacks of one size class that one thread keeps.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stack/census.hpp"
#include "stack/reservation.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

// Last in, first out: the stack that comes next is the one whose pages are warm. What hot paths
// read comes first and shares a cache line.
struct alignas(64) stack_bin {
  static constexpr std::uint32_t capacity = 128;

  // Owner only.
  stack_options asked{0, 0};      // what was asked for when this bin was last found
  size_class* home = nullptr;     // null: the bin of nobody
  std::uint32_t limit = 0;        // slots it keeps at most
  std::uint32_t lowest = 0;       // of count, since tally()
  std::ptrdiff_t drawn = 0;       // slots taken from home less those given to it
  std::ptrdiff_t tallied = 0;     // of drawn - count, what the thread's share has
  census_share* share = nullptr;  // null: the bin of nobody
  stack_bin* sibling = nullptr;   // of the same thread

  // Written by the owner only, by others read in stack_stats(), under home's mutex; relaxed: a
  // number that publishes nothing.
  std::atomic<std::uint32_t> count{0};

  // Owner only.
  std::array<stack_slot*, capacity> slots;

  // Under home's mutex: its list of bins.
  stack_bin* next = nullptr;
  stack_bin* previous = nullptr;

  // relaxed, both: see count
  std::uint32_t size() const noexcept { return count.load(std::memory_order_relaxed); }
  void set_size(std::uint32_t n) noexcept { count.store(n, std::memory_order_relaxed); }

  // Null when empty.
  stack_slot* pop() noexcept {
    std::uint32_t n = size();
    if (n == 0) return nullptr;
    set_size(--n);
    if (n < lowest) lowest = n;
    return slots[n];
  }

  // False when full.
  bool push(stack_slot* slot) noexcept {
    std::uint32_t n = size();
    if (n == limit) return false;
    slots[n] = slot;
    set_size(n + 1);
    return true;
  }

  // Tells the share of its thread what pop() and push() did. Before drawn or count change in
  // another way, and before another bin of the thread is used.
  void tally() noexcept {
    if (share == nullptr) return;
    const std::ptrdiff_t now = drawn - static_cast<std::ptrdiff_t>(size());
    const std::ptrdiff_t most = drawn - static_cast<std::ptrdiff_t>(lowest);
    share->change(now - tallied, most - tallied);
    tallied = now;
    lowest = size();
  }

  // The same, and tells the pool.
  void report() noexcept {
    tally();
    share->report();
  }
};

}  // namespace v1
}  // namespace coir
