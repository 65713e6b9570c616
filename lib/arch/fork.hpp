// fork.hpp - what is done around fork(), so that a child finds no lock taken by a thread it lacks.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// The locks of the process that a thread may hold while another one forks, in the order in which a
// thread takes one amid the other.
enum class lock_of_process : unsigned { runtimes, fibers, stacks };
inline constexpr unsigned locks_of_process = 3;

// Has `lock` called before each fork from now on, and `unlock` after it in both processes: nobody
// is amid what it guards then.
void hold_over_forks(lock_of_process which, void (*lock)(), void (*unlock)()) noexcept;

// Has `forget` called in each child from now on, in its one thread, which may have left another
// thread of the parent amid anything.
void forget_in_children(void (*forget)()) noexcept;

}  // namespace v1
}  // namespace coir
