// spawn.cpp - what making a fiber does whatever its types.
// SPDX-License-Identifier: BSL-1.0
#include <coir/spawn.hpp>

#include <coir/end_watcher.hpp>
#include <coir/nest.hpp>
#include <coir/runtime.hpp>

#include <memory>
#include <new>
#include <stdexcept>

#include "fiber/fiber_name.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/census.hpp"
#include "sched/context_binding.hpp"
#include "sched/runtime_core.hpp"
#include "stack/shape.hpp"

namespace coir {
inline namespace v1 {

fiber& new_fiber(const spawn_options* options) {
  fiber& fresh = make_fiber();
  fresh.stack_size = 0;
  inherit_bindings(fresh, current_worker());
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

namespace {

// Throws what no stack can be like, here rather than when the fiber starts.
[[gnu::noinline]] void check_stack_size(const fiber& fresh, const runtime_core& where) {
  static_cast<void>(shape_for({fresh.stack_size, where.options().guard_size}));
}

[[gnu::always_inline]] inline void settle_in(fiber& fresh, runtime_core& where) {
  if (fresh.stack_size == 0) {
    fresh.stack_size = where.options().stack_size;
  } else {
    check_stack_size(fresh, where);
  }
  // Relaxed: written before the fiber is shared.
  fresh.runtime.store(&where, std::memory_order_relaxed);
}

[[gnu::noinline]] void launch_from_outside(fiber& fresh, runtime_core& where) {
  settle_in(fresh, where);
  where.enter(fresh);
}

}  // namespace

void launch_fiber(fiber& fresh, runtime_core* where) {
  worker* here = current_worker();
  if (here == nullptr)
    return launch_from_outside(fresh, where != nullptr ? *where : default_runtime().core());
  worker_core& core = worker_core::of(*here);
  if (where != nullptr && where != &core.runtime) return launch_from_outside(fresh, *where);
  settle_in(fresh, core.runtime);
  // Relaxed: the running fiber's own, which outlives this.
  nest* around_this = here->current->inside.load(std::memory_order_relaxed);
  if (around_this != nullptr) [[unlikely]]
    around_this->enter(fresh);
  core.runtime.enter_here(core, fresh);
}

void discard(fiber& fresh) noexcept {
  if (fresh.operations != nullptr) fresh.operations->abandon(fresh);
  drop_bindings(fresh);
  // Relaxed: nobody else knows this fiber.
  if (nest* around = fresh.inside.exchange(nullptr, std::memory_order_relaxed)) around->leave();
  release_fiber(fresh);
  release_fiber(fresh);
}

namespace {

// Launches a fiber when another one has ended.
class callback_watcher final : public end_watcher {
 public:
  explicit callback_watcher(fiber& callback) noexcept
      : end_watcher(told::afterwards), callback_(callback) {}
  virtual ~callback_watcher() = default;

 private:
  waiter* ended(fiber& f) noexcept override {
    runtime_core& where = *runtime_core::of(f);
    try {
      launch_fiber(callback_, &where);
    } catch (const std::bad_alloc&) {
      where.enter(callback_);  // needs no memory
    }
    release_fiber(callback_);
    delete this;
    return nullptr;
  }

  fiber& callback_;
};

}  // namespace

void launch_at_end(fiber& ended, fiber& callback) {
  callback.runs_to_the_end = true;
  auto watcher = std::make_unique<callback_watcher>(callback);
  if (watcher->watch(ended)) {
    static_cast<void>(watcher.release());
    return;
  }
  bool launched = false;
  visit_runtimes([&](runtime_core& one) {
    // Once launched it may have ended, and with it the last handle on `ended`, which is then some
    // other runtime's.
    if (launched || &one != runtime_core::of(ended) || one.ending()) return;
    launch_fiber(callback, &one);
    launched = true;
  });
  if (!launched) launch_fiber(callback, nullptr);
  release_fiber(callback);
}

}  // namespace v1
}  // namespace coir
