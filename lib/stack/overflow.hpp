// overflow.hpp - tells what happened when a computation used its stack up.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// From here on a fault in the guard of a stack in use writes who overflowed it and a backtrace, and
// then ends the process by that signal. Any other fault goes to the handler there was before. Once
// per process; a handler that the program installs later replaces ours, and may chain to it.
void watch_for_overflow() noexcept;

}  // namespace v1
}  // namespace coir
