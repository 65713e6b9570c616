// spawn.cpp - what making a fiber does whatever its types.
// SPDX-License-Identifier: BSL-1.0
#include <coir/spawn.hpp>

#include <coir/runtime.hpp>

#include <stdexcept>

#include "fiber/fiber_name.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/runtime_core.hpp"
#include "stack/shape.hpp"

namespace coir {
inline namespace v1 {

fiber& new_fiber(const spawn_options* options) {
  fiber& fresh = make_fiber();
  fresh.stack_size = 0;
  if (options == nullptr) return fresh;
  try {
    fresh.stack_size = options->stack_size;
    fresh.pinned = options->pinned;
    fresh.preserve_fenv = options->preserve_fenv;
    if (!options->name.empty()) name_fiber(fresh, options->name);
  } catch (...) {
    discard(fresh);
    throw;
  }
  return fresh;
}

void launch(fiber& fresh, runtime_core* where) {
  worker* here = current_worker();
  runtime_core* around = here != nullptr ? &worker_core::of(*here).runtime : nullptr;
  if (where == nullptr) where = around != nullptr ? around : &default_runtime().core();
  if (fresh.stack_size == 0) {
    fresh.stack_size = where->options().stack_size;
  } else {
    // Throws what no stack can be like, here rather than when the fiber starts.
    static_cast<void>(shape_for({fresh.stack_size, where->options().guard_size}));
  }
  // Relaxed: written before the fiber is shared.
  fresh.runtime.store(where, std::memory_order_relaxed);
  if (where == around) {
    where->enter_here(worker_core::of(*here), fresh);
  } else {
    where->enter(fresh);
  }
}

void discard(fiber& fresh) noexcept {
  if (fresh.operations != nullptr) fresh.operations->abandon(fresh);
  release_fiber(fresh);
  release_fiber(fresh);
}

}  // namespace v1
}  // namespace coir
