// context_binding.hpp - what a fiber has inherited, and what its scopes have added.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/worker.hpp>

#include <cstdint>
#include <memory>

namespace coir {
inline namespace v1 {

// One variable with its value, and the others behind it. Nothing but the count ever changes, so
// that fibers on any thread may share the tail of a chain. No variable is twice in a chain: one
// that is set again takes the place of what it hides, or fibers that spawn each other in scopes of
// one variable would make a chain that grows for ever.
//
//     spawner  --> [ user ] --.
//                              >--> [ trace ] --> [ locale ] --> null
//     spawned  --> [ depth ] -'
struct context_binding {
  shared_word<std::uint64_t> references{1};  // fibers, threads, scopes and bindings that lead here
  context_binding* outer;                    // holds a reference
  std::uint64_t variable;
  std::shared_ptr<const void> value;
};

inline context_binding* share_bindings(context_binding* bindings) noexcept {
  // Relaxed: the caller has a reference, which keeps it alive.
  if (bindings != nullptr) bindings->references.fetch_add(1, std::memory_order_relaxed);
  return bindings;
}

// Gives a reference back; the last one destroys the value.
void drop_bindings(context_binding* bindings) noexcept;

// Of the calling plain thread.
context_binding* bindings_of_thread() noexcept;

// The calling plain thread has these from now on, and no reference to them; returns what it had.
context_binding* lend_bindings(context_binding* bindings) noexcept;

// A fiber begins with what the one has who spawns it: the fiber that runs on `here`, or the thread.
[[gnu::always_inline]] inline void inherit_bindings(fiber& fresh, const worker* here) noexcept {
  context_binding* theirs = here != nullptr ? here->current->bindings : bindings_of_thread();
  if (theirs != nullptr) [[unlikely]]
    fresh.bindings = share_bindings(theirs);
}

// The fiber has ended, or never runs. The values it was the last to have are destroyed here.
void drop_bindings(fiber& gone) noexcept;

}  // namespace v1
}  // namespace coir
