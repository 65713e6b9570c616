// assert.hpp - how the library dies: with a sentence.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// Writes "coir: <sentence>" to stderr in one write, and aborts.
[[noreturn, gnu::cold]] void abort_with(const char* sentence) noexcept;

}  // namespace v1
}  // namespace coir

// An invariant of the library itself. On unless NDEBUG; the release build pays nothing.
#ifdef NDEBUG
#define COIR_ASSERT(condition, sentence) static_cast<void>(0)
#else
#define COIR_ASSERT(condition, sentence) \
  ((condition) ? static_cast<void>(0) : ::coir::abort_with(sentence))
#endif
