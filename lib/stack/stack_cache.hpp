// stack_cache.hpp - a thread's free stacks: the fast way to one and back.
// SPDX-License-Identifier: BSL-1.0
// Budget: 8 ns for a stack taken and given back; no system call, no atomic read-modify-write.
#pragma once

#include "stack/size_class.hpp"
#include "stack/stack_bin.hpp"
#include "stack/thread_exit.hpp"

#include <coir/arch.hpp>
#include <coir/stack.hpp>
#include <coir/thread_state.hpp>

namespace coir {
inline namespace v1 {

// One bin per size class that the thread has met; the one used last is tried first.
class stack_cache {
 public:
  // Throws as stack's constructor.
  static stack_slot* acquire(const stack_options& asked) {
    if (stack_cache* mine = calling_thread().stacks) [[likely]] {
      stack_bin& bin = *mine->current_;
      if (bin.asked.size == asked.size && bin.asked.guard_size == asked.guard_size) [[likely]]
        if (stack_slot* slot = bin.pop()) [[likely]]
          return slot;
    }
    return acquire_slowly(asked);
  }

  static void release(stack_slot* slot) noexcept {
    if (stack_cache* mine = calling_thread().stacks) [[likely]] {
      stack_bin& bin = *mine->current_;
      if (bin.home == slot->home && bin.push(slot)) [[likely]]
        return;
    }
    release_slowly(slot);
  }

  // Reports what the calling thread has in use, for an exact census.
  static void report() noexcept;

  // Gives all free stacks of the calling thread to their classes.
  static void flush() noexcept;

  // Makes what the first cache of a process makes for all.
  static void prepare() noexcept;

 private:
  stack_cache() noexcept : current_(&nobodys) {}
  ~stack_cache();

  static stack_slot* acquire_slowly(const stack_options& asked);
  static void release_slowly(stack_slot* slot) noexcept;
  static stack_cache* mine() noexcept;
  static void leave(void* cache) noexcept;
  static const thread_exit& at_exit() noexcept;

  stack_bin* bin_for(const stack_options& asked);
  stack_bin* bin_of(size_class& home) noexcept;
  stack_bin* use(stack_bin* bin) noexcept;

  // What a new cache has in place of a bin: it matches no size and no slot, and is never written.
  static stack_bin nobodys;

  // Owner only.
  stack_bin* current_;
  stack_bin* bins_ = nullptr;
  census_share share_;
};

}  // namespace v1
}  // namespace coir
