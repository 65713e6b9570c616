// context_var.cpp - values that spawned fibers inherit.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context_var.hpp>

#include <coir/wait.hpp>

#include <atomic>
#include <memory>
#include <utility>

#include "base/assert.hpp"
#include "fiber/fiber_locals.hpp"
#include "sched/context_binding.hpp"

namespace coir {
inline namespace v1 {
namespace {

// Where the running fiber's bindings are kept, or the thread's, which need no destructor: scopes
// put back what they found. Not inlined: the address of a thread_local must not be kept over a
// switch.
[[gnu::noinline]] context_binding*& place() noexcept {
  thread_local context_binding* threads_own = nullptr;
  worker* here = current_worker();
  return here != nullptr ? here->current->bindings : threads_own;
}

context_binding* find(context_binding* bindings, std::uint64_t variable) noexcept {
  while (bindings != nullptr && bindings->variable != variable) bindings = bindings->outer;
  return bindings;
}

struct dropper {
  void operator()(context_binding* bindings) const noexcept { drop_bindings(bindings); }
};
using binding_handle = std::unique_ptr<context_binding, dropper>;

binding_handle bind(binding_handle outer, std::uint64_t variable,
                    std::shared_ptr<const void> value) {
  auto* made =
      new context_binding{.outer = nullptr, .variable = variable, .value = std::move(value)};
  made->outer = outer.release();
  return binding_handle(made);
}

// All of `bindings` but `hidden`: what is behind it is shared, what is before it made anew.
binding_handle without(context_binding* bindings, context_binding* hidden) {
  binding_handle rest(share_bindings(hidden->outer));
  for (context_binding* each = bindings; each != hidden; each = each->outer)
    rest = bind(std::move(rest), each->variable, each->value);
  return rest;
}

}  // namespace

std::uint64_t new_context_variable() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  // Relaxed: numbers that differ, no more.
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

const void* find_context_value(std::uint64_t variable) noexcept {
  const context_binding* found = find(place(), variable);
  return found != nullptr ? found->value.get() : nullptr;
}

context_scope::context_scope(std::uint64_t variable, std::shared_ptr<const void> value) {
  context_binding*& current = place();
  context_binding* hidden = find(current, variable);
  binding_handle rest =
      hidden != nullptr ? without(current, hidden) : binding_handle(share_bindings(current));
  own_ = bind(std::move(rest), variable, std::move(value)).release();
  before_ = std::exchange(current, own_);
}

context_scope::~context_scope() {
  context_binding*& current = place();
  if (current != own_)
    abort_with("a scope of a context_var ends before one that began later, or on another fiber");
  current = before_;
  drop_bindings(own_);
}

void drop_bindings(context_binding* bindings) noexcept {
  // Acquire and release: pairs with itself in who else drops one; the last sees what all others did
  // with the value.
  while (bindings != nullptr &&
         bindings->references.fetch_add(~std::uint64_t{0}, std::memory_order_acq_rel) == 1)
    delete std::exchange(bindings, bindings->outer);
}

context_binding* bindings_of_thread() noexcept {
  return place();
}

context_binding* lend_bindings(context_binding* bindings) noexcept {
  return std::exchange(place(), bindings);
}

// The value's destructor may ask for a fiber_local.
void drop_bindings(fiber& gone) noexcept {
  drop_bindings(std::exchange(gone.bindings, nullptr));
  if (gone.locals != nullptr) destroy_fiber_locals(gone);
}

}  // namespace v1
}  // namespace coir
