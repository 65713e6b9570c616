// scheduler_parts.hpp - what stands in for the parts of the scheduler that a model leaves out.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancel_scope.hpp>
#include <coir/nest.hpp>
#include <coir/stack.hpp>
#include <coir/wait.hpp>

#include <cstddef>
#include <functional>

#include "arch/futex.hpp"
#include "arch/heavy_fence.hpp"
#include "base/assert.hpp"
#include "fiber/fiber_locals.hpp"
#include "fiber/fiber_pool.hpp"
#include "model/model.hpp"
#include "sched/census.hpp"
#include "sched/clock.hpp"
#include "sched/context_binding.hpp"
#include "sched/environment.hpp"
#include "sched/fiber_end.hpp"
#include "sched/runtime_core.hpp"

namespace parts {

inline std::function<void(coir::fiber&)> made_ready;
inline int sleepers = 0;

// A runtime that is only an address.
class runtime_memory {
 public:
  coir::runtime_core& get() { return *reinterpret_cast<coir::runtime_core*>(bytes_); }

 private:
  alignas(coir::runtime_core) std::byte bytes_[sizeof(coir::runtime_core)] = {};
};

// The calling model thread is that of a worker from here on.
inline void run_on(coir::worker& w) {
  coir_model::thread_worker() = &w;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // as in worker_seat
}

}  // namespace parts

namespace coir {
inline namespace v1 {

void count_sleeper() noexcept {
  ++parts::sleepers;
}
void discount_sleeper() noexcept {
  --parts::sleepers;
}
bool futex_wait(atomic_cell<std::uint32_t>& word, std::uint32_t value, deadline end) noexcept {
  return coir_model::futex_wait(word.raw(), value, !end.is_never());
}
void futex_wake(atomic_cell<std::uint32_t>& word) noexcept {
  coir_model::futex_wake(word.raw());
}
bool prepare_heavy_fence() noexcept {
  return true;
}
bool heavy_fence() noexcept {
  coir_model::fence_everywhere();
  return true;
}
void abort_with(const char* sentence) noexcept {
  coir_model::require(false, sentence);
  __builtin_trap();
}
std::int64_t clock_now() noexcept {
  return 1;
}
std::int64_t steady_now() noexcept {
  return 1;
}
std::int64_t clock_roughly() noexcept {
  return 1;
}
void destroy_fiber_locals(fiber&) noexcept {}
void run_exit_calls(fiber&) noexcept {}
void drop_bindings(fiber&) noexcept {}
context::departure entry_with_environment(context&, context& resumer, void* word) {
  return {&resumer, word};
}
void leave_environment(std::fenv_t&) noexcept {}
void enter_environment(const std::fenv_t&) noexcept {}
pooled_stack take_stack(const stack_options&) {
  return nullptr;
}
void stack_returner::operator()(stack_slot*) const noexcept {}

void runtime_core::make_ready(fiber& f) noexcept {
  parts::made_ready(f);
}
void runtime_core::note_end() noexcept {}
bool runtime_core::tell_of_end(fiber&) noexcept {
  return false;
}
void runtime_core::end_lack() noexcept {}
std::string runtime_core::deadlock_listing() {
  return {};
}
fiber& cancel_scope::fire(waiter& timer) noexcept {
  return *timer.who;
}
void cancel_scope::tell(fiber&) {}
void nest::leave() noexcept {}

}  // namespace v1
}  // namespace coir
