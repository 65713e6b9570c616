// misuse.hpp - says who did what must not be done, and aborts.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// Whether what the standard leaves undefined is looked for where a look costs something.
#ifdef NDEBUG
constexpr bool misuse_is_watched = false;
#else
constexpr bool misuse_is_watched = true;
#endif

// "coir: <what> by fiber "<name>"<more>", or by thread.
[[noreturn, gnu::cold]] void abort_naming(const char* what, const char* more) noexcept;

}  // namespace v1
}  // namespace coir
