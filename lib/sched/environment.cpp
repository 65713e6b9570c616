// environment.cpp - fibers that take their floating-point environment along (preserve_fenv).
// SPDX-License-Identifier: BSL-1.0
#include "sched/environment.hpp"

#include "sched/fiber_end.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {

context::departure entry_with_environment(context& self, context& resumer, void* word) {
  std::fenv_t own;
  std::fegetenv(&own);
  enter_environment(own);
  context::departure next = fiber_entry(self, resumer, word);
  leave_environment(own);
  return next;
}

void leave_environment(std::fenv_t& own) noexcept {
  thread_state& thread = calling_thread();
  worker_core& here = worker_core::of(*thread.worker);
  std::fegetenv(&own);
  std::fesetenv(&here.environment);
  here.exceptions = thread.exceptions;
}

void enter_environment(const std::fenv_t& own) noexcept {
  worker_core& here = worker_core::of(*calling_thread().worker);
  std::fegetenv(&here.environment);
  std::fesetenv(&own);
  here.exceptions = &unattached_exceptions;
}

}  // namespace v1
}  // namespace coir
