// refusal.hpp - why there is no stack, in a sentence that says what to change.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/stack.hpp>

namespace coir {
inline namespace v1 {

enum class refusal { none, no_memory, locked_memory, no_guard };

// std::system_error, ENOMEM.
[[noreturn]] void throw_refusal(refusal why, const stack_options& asked);

}  // namespace v1
}  // namespace coir
