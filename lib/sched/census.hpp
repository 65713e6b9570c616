// census.hpp - the threads that sleep until coir wakes them, and all runtimes of the process.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>

namespace coir {
inline namespace v1 {

class runtime_core;

// A thread that sleeps without a deadline is counted from before it sleeps until somebody decides
// to wake it; it is he who takes it out, so that a thread that is about to run is never counted.
void count_sleeper() noexcept;
void discount_sleeper() noexcept;

// Makes what the first sleeper of a process makes for all.
void prepare_census() noexcept;

// 0 where the system does not say. Reads a directory: tens of microseconds.
long threads_of_process() noexcept;

// Whether every thread of this process is counted. A thread that is not coir's never is, so while
// one lives, somebody may still be woken.
bool everyone_sleeps() noexcept;

// Runtimes enter and leave; visit_runtimes() keeps them from leaving meanwhile.
void enter_runtime(runtime_core& made);
void leave_runtime(runtime_core& gone) noexcept;
void visit_runtimes(const std::function<void(runtime_core&)>& visit);

}  // namespace v1
}  // namespace coir
