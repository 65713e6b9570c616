// process.hpp - which process this is: a child of fork() is another one than its parent.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace coir {
inline namespace v1 {

// Counts the forks that led here. Cost: a load; getpid() is a system call.
//
// In a child the one thread there is has no worker any more: it goes on as a plain thread, though
// maybe on the stack of a fiber, which it must not return from.
std::uint32_t process_generation() noexcept;

}  // namespace v1
}  // namespace coir
