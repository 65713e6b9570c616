// assert.cpp - how the library dies: with a sentence.
// SPDX-License-Identifier: BSL-1.0
#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace coir {
inline namespace v1 {

void abort_with(const char* sentence) noexcept {
  std::fprintf(stderr, "coir: %s\n", sentence);
  std::abort();
}

}  // namespace v1
}  // namespace coir
