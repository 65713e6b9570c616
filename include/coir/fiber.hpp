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

namespace coir {
inline namespace v1 {

class cancel_scope;
struct context_binding;
class end_watcher;
class exit_calls;
class fiber;
class nest;
class runtime_core;
class unhandled_handler;
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

// What a fiber has been asked and not been told yet, as bits of fiber::requests. Any thread sets
// them, the fiber takes them back.
namespace fiber_request {
constexpr std::uint32_t cancel = 1;  // by a handle, or by the end of its runtime
constexpr std::uint32_t scope = 2;   // some of its cancel_scopes has expired
}  // namespace fiber_request

// Is told of a failure when its fiber goes, for those that nobody has looked at; counts its users.
class unhandled_handler {
 public:
  virtual void lose(fiber& failed) noexcept = 0;  // and it is one user less

 protected:
  ~unhandled_handler() = default;
};

// What only the maker of a fiber knows: how its closure is run and destroyed.
struct fiber_operations {
  void (*run)(fiber& self) noexcept;      // stores the result, or calls keep_failure()
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
  shared_word<std::uint32_t> requests;            // to end, and not yet told; see fiber_request
  atomic_cell<fiber_state> state{fiber_state::fresh};
  bool pinned = false;         // written before the fiber is shared
  bool preserve_fenv = false;  // likewise

  // -- owner only, but for the first, which is written before the fiber is shared
  bool runs_to_the_end = false;       // starts though its runtime ends
  std::uint32_t position = 0;         // of its entry in the owner's run queue, while fresh
  plain_cell<fiber*> next = nullptr;  // in an inbox, a free list, a list of fibers
  pooled_stack memory;

  // -- written once, before the fiber is shared
  const fiber_operations* operations = nullptr;
  void* payload = nullptr;  // result and closure, here or on the heap
  atomic_cell<runtime_core*> runtime{nullptr};
  atomic_cell<nest*> inside{nullptr};  // of a run() inside a fiber
  std::uint64_t id = 0;
  std::size_t stack_size = 0;

  // -- any thread
  atomic_cell<std::uint32_t> told_of_end{0};  // its runtime's end has asked, once
  atomic_cell<std::uint32_t> times_asked{0};  // by cancel(), less those that were taken back
  atomic_cell<std::uint32_t> on_errand{0};    // in the list of some worker (errand_list.hpp)
  fiber* next_errand = nullptr;               // there, under the list's lock
  spinlock lock;                              // guards the six below, the end, and scopes
  fiber* starter = nullptr;                   // started this one by joining it, and waits
  wait_list joiners;                          // all others that wait for the end
  end_watcher* watchers = nullptr;            // told of the end
  char* name = nullptr;                       // owned
  char* cancel_message = nullptr;             // owned
  std::exception_ptr failure;                 // written before the end
  bool ended_cancelled = false;               // likewise: by `cancelled`
  unhandled_handler* unhandled = nullptr;     // likewise: set where it failed otherwise
  atomic_cell<std::uint32_t> looked_at{0};    // somebody has seen the failure

  // -- the fiber itself, while it runs
  atomic_cell<std::uint32_t> masks{0};         // while there are any, no request ends a wait
  atomic_cell<std::int64_t> waiting_since{0};  // for listings
  cancel_scope* scopes = nullptr;              // the innermost that is open
  exit_calls* last_calls = nullptr;            // of at_thread_exit()
  void* locals = nullptr;                      // of fiber_local
  context_binding* bindings = nullptr;         // of context_var; null in the pool
  bool body_over = false;
  bool told_of_swallowing = false;  // a line on stderr, once

  alignas(16) std::byte inline_space[inline_payload];
};

// For the handler that ends the body of `self`: keeps the exception it handles.
[[gnu::cold]] void keep_failure(fiber& self) noexcept;

// By the fiber itself: one more, or one less, of what keeps requests from ending its waits.
inline void add_mask(fiber& self, std::uint32_t change) noexcept {
  // Relaxed: read by the worker that the fiber waits on.
  self.masks.store(self.masks.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
}

}  // namespace v1
}  // namespace coir
