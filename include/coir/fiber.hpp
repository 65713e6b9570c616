// fiber.hpp - the control block of a fiber, as the inline paths of the scheduler see it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/context.hpp>
#include <coir/shared_word.hpp>
#include <coir/spinlock.hpp>
#include <coir/stack.hpp>
#include <coir/wait_list.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>

namespace coir {
inline namespace v1 {

class fiber;
class runtime_core;
class worker;

// Where a fiber stands, and who may touch it. "Owner" is the worker in `home`.
//
//     fresh      its closure waits in the owner's run queue; it has no stack
//     started    running on the owner's thread, which alone touches its stack; or ready, in the
//                owner's run queue or inbox; or waiting, until whoever decides its waiter makes it
//                ready (wait.hpp). In the last two nobody touches its stack.
//     finished   its body has ended; the stack goes back at the next switch, the block when the
//                last handle is dropped
//
//         spawn              picked            end of body
//     ---------> fresh ----------------> running ---------> finished
//                                       ^  |   | yield
//                           picked      |  |   v
//                          ready -------'  |  ready
//                            ^             | wait
//                            '-- waiting <-'
//                            woken
enum class fiber_state : std::uint8_t { fresh, started, finished };

// What only the maker of a fiber knows: how its closure is run and destroyed.
struct fiber_operations {
  void (*run)(fiber& self) noexcept;      // stores the result, or the exception in `failure`
  void (*abandon)(fiber& self) noexcept;  // destroys the closure of a fiber that never runs
  void (*destroy)(fiber& self) noexcept;  // destroys the result and gives the payload back;
                                          // null where that is nothing
};

// The control block. Blocks come from a pool and their memory is never anything else, so that a
// listing of all fibers may look at one while it ends (fiber_pool.hpp).
class alignas(64) fiber {
 public:
  static constexpr std::size_t inline_payload = 80;

  fiber() noexcept {}
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;
  ~fiber() {}

  // -- what every switch and every wait looks at: one cache line
  union {
    context ctx;  // alive from the start of the body to its end; owner only
  };
  shared_word<std::uint64_t> wait_word{1};  // see wait_outcome; decided while it does not wait
  atomic_cell<worker*> home{nullptr};       // the owner; changed by the owner, a thief, a waker
  atomic_cell<const char*> waiting_for{nullptr};  // for listings; written by the fiber
  shared_word<std::uint64_t> references;          // handles, and one for the fiber itself
  atomic_cell<fiber_state> state{fiber_state::fresh};
  atomic_cell<bool> cancel_pending{false};  // asked to end, and not yet told
  bool pinned = false;                      // written before the fiber is shared
  bool preserve_fenv = false;               // likewise
  bool handed_over = false;                 // owner only: started by the fiber that joins it

  // -- owner only
  std::uint32_t position = 0;  // of its entry in the owner's run queue, while fresh
  fiber* next = nullptr;       // in an inbox, a free list, a list of fibers
  std::optional<stack> memory;

  // -- written once, before the fiber is shared
  const fiber_operations* operations = nullptr;
  void* payload = nullptr;  // result and closure, here or on the heap
  atomic_cell<runtime_core*> runtime{nullptr};
  std::uint64_t id = 0;
  std::size_t stack_size = 0;

  // -- any thread
  atomic_cell<std::uint32_t> told_of_end{0};  // its runtime's end has asked, once
  spinlock lock;                              // guards the three below, and the end
  wait_list joiners;
  char* name = nullptr;        // owned
  std::exception_ptr failure;  // written before the end

  // -- the fiber itself, while it runs
  atomic_cell<std::int64_t> waiting_since{0};  // for listings
  void* locals = nullptr;                      // of fiber_local

  alignas(16) std::byte inline_space[inline_payload];
};

}  // namespace v1
}  // namespace coir
