// stack.hpp - where the stacks of contexts come from: guarded, recycled, lazily committed.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace coir {
inline namespace v1 {

struct stack_slot;

// Sizes in bytes; both are rounded up to whole pages. A guard of 0 asks for none.
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
// Cost       17 ns for a recycled stack and its return; a page fault for a page touched first.
// Throws     std::invalid_argument for a size of 0 or one no address space can hold,
//            std::system_error (ENOMEM) with a sentence on what to change where the kernel refuses.
class stack {
 public:
  stack() : stack(stack_options{}) {}
  explicit stack(stack_options options);

  // Without a guard: an overflow is not noticed. From operator new.
  static stack from_heap(std::size_t size);

  // Over memory of the caller's, which outlives it. At least 1 KiB: std::invalid_argument.
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

  std::size_t size() const noexcept { return static_cast<std::size_t>(top_ - limit_); }

  // Bytes from the top to the lowest page that was ever touched, by this owner or one before it; 0
  // where the kernel cannot say (memory of the caller's).
  std::size_t touched() const noexcept;

  // Names who runs here. Ignored for stacks without a guard.
  void set_owner(const stack_owner* owner) noexcept;

 private:
  stack(std::byte* top, std::byte* limit, stack_slot* slot) noexcept
      : top_(top), limit_(limit), slot_(slot) {}
  void release() noexcept;

  std::byte* top_;
  std::byte* limit_;
  stack_slot* slot_;  // null: memory of the caller's
};

// What the pool of stacks holds, in the whole process.
struct stack_statistics {
  std::size_t live;            // stacks in use
  std::size_t high_water;      // most that were in use at once
  std::size_t cached;          // free, their pages kept for the next owner
  std::size_t reserved_bytes;  // address space
  std::size_t reservations;    // mappings asked for, of all size classes
  bool light_guards;           // guards cost no mapping (MADV_GUARD_INSTALL)
};

// Exact for the calling thread; other threads' caches are counted as they last came to the pool.
stack_statistics stack_stats() noexcept;

// Gives the pages of all free stacks, but for those in other threads' caches, back to the kernel.
void trim_stacks() noexcept;

}  // namespace v1
}  // namespace coir
