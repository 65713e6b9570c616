// misuse.hpp - says who did what must not be done, and aborts.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// "coir: <what> by fiber "<name>"<more>", or by thread.
[[noreturn, gnu::cold]] void abort_naming(const char* what, const char* more) noexcept;

}  // namespace v1
}  // namespace coir
