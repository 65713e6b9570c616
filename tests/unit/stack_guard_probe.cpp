// stack_guard_probe.cpp - a function with a large frame, of which it touches the lowest byte only.
// SPDX-License-Identifier: BSL-1.0
#include <cstddef>

extern "C" [[gnu::noinline]] void COIR_TEST_PROBE(std::size_t bytes) {
  *static_cast<volatile char*>(__builtin_alloca(bytes)) = 1;
}
