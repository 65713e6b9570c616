// stack.hpp - where the stacks of contexts come from: guarded, recycled, lazily committed.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace coir {
inline namespace v1 {

struct stack_slot;

// Sizes in bytes; both are rounded up to whole pages, large stacks by an eighth at most so that
// those of almost the same size share a pool. A guard of 0 asks for none.
//
// A guard catches what grows into it. A frame larger than the guard can step over it, unless it was
// compiled with -fstack-clash-protection; on AArch64 that touches every 64 KiB only, and wants a
// guard as large.
struct stack_options {
  std::size_t size = 64 * 1024;
  std::size_t guard_size = 16 * 1024;
};

// Who runs on a stack, for the message of an overflow. Read in a signal handler: it lives as long
// as the stack carries it, and `name` ends in a null character.
struct stack_owner {
  const char* kind;  // "generator", "fiber"
  const char* name = "";
};

// One stack, owned.
//
//     coir::stack s{{.size = 256 * 1024}};
//     coir::context c{s.top(), s.limit(), entry};
//
// Blocking   a first stack of its size maps memory; a recycled one makes no system call.
// Lifetime   given back to a cache of the calling thread, which may be another than the maker's.
// Cost       5 ns for a recycled stack and its return; for a new one its guard (0.8 us, 3 us where
//            it costs a mapping) and a page fault for each page that is touched.
// Throws     std::invalid_argument for a size of 0 or one no address space can hold,
//            std::system_error (ENOMEM) with a sentence on what to change where the kernel refuses.
class stack {
 public:
  stack() : stack(stack_options{}) {}
  explicit stack(stack_options options);

  // Without a guard: an overflow is not noticed. From operator new. At least 1 KiB.
  static stack from_heap(std::size_t size);

  // Over memory of the caller's, which outlives it; no guard. Its highest bytes, fewer than 128,
  // are the library's. Less than 1 KiB: std::invalid_argument.
  static stack over(std::span<std::byte> memory);

  stack(stack&& other) noexcept
      : top_(std::exchange(other.top_, nullptr)),
        limit_(std::exchange(other.limit_, nullptr)),
        slot_(std::exchange(other.slot_, nullptr)) {}
  stack& operator=(stack&& other) noexcept {
    stack old(std::move(other));
    swap(old);
    return *this;
  }
  ~stack() {
    if (limit_ != nullptr) release();
  }

  void swap(stack& other) noexcept {
    std::swap(top_, other.top_);
    std::swap(limit_, other.limit_);
    std::swap(slot_, other.slot_);
  }

  // One past the highest byte, aligned to 64. Stacks grow down from here.
  std::byte* top() const noexcept { return top_; }

  // The lowest byte that may be used; the guard lies below.
  std::byte* limit() const noexcept { return limit_; }

  // What was asked for, or somewhat more; over(): less by what the library takes.
  std::size_t size() const noexcept { return static_cast<std::size_t>(top_ - limit_); }

  // Bytes from the top to the lowest page that is resident, because this owner touched it or one
  // before it did; 0 for memory of the caller's, or where the kernel cannot say. A system call.
  std::size_t touched() const noexcept;

  // Names who runs here; null: nobody in particular. Ignored for stacks without a guard.
  void set_owner(const stack_owner* owner) noexcept;

 private:
  stack(std::byte* top, std::byte* limit, stack_slot* slot) noexcept
      : top_(top), limit_(limit), slot_(slot) {}
  void release() noexcept;

  std::byte* top_;
  std::byte* limit_;
  stack_slot* slot_;
};

// Engine level: a stack of the pool in one word; lib/stack/pooled_stack.hpp makes it.
struct stack_returner {
  void operator()(stack_slot* slot) const noexcept;
};
using pooled_stack = std::unique_ptr<stack_slot, stack_returner>;

// What the pool of stacks holds, in the whole process.
struct stack_statistics {
  std::size_t live;            // stacks in use
  std::size_t high_water;      // most that were in use at once, as the pool saw it
  std::size_t cached;          // free, their pages kept for the next owner
  std::size_t reserved_bytes;  // address space
  std::size_t reservations;    // mappings asked for, of all size classes
  bool light_guards;           // guards cost no mapping (MADV_GUARD_INSTALL)
};

// Exact while no other thread makes or destroys a stack, but for high_water: what other threads
// keep in their caches it takes as it was when they last came to the pool.
stack_statistics stack_stats() noexcept;

// Gives the pages of all free stacks, but for those in other threads' caches, back to the kernel.
void trim_stacks() noexcept;

}  // namespace v1
}  // namespace coir
