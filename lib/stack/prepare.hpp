// prepare.hpp - what is made once in a process, ahead of the threads that need it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// Makes what the first stacks of a process, and the first threads that run on them, make for all. A
// child of fork() would wait for ever for a thread of its parent that was just making it.
void prepare_stacks() noexcept;

}  // namespace v1
}  // namespace coir
