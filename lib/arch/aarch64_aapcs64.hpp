// aarch64_aapcs64.hpp - the frame that asm/aarch64_aapcs64.S leaves on a stack.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

struct saved_registers {
  void* x29;
  void* return_address;  // x30
  std::uint64_t x[10];   // x19 ... x28
  double d[8];           // d8 ... d15
};
static_assert(offsetof(saved_registers, x29) == 0);
static_assert(offsetof(saved_registers, return_address) == 8);
static_assert(offsetof(saved_registers, x) == 16);
static_assert(offsetof(saved_registers, d) == 96);
static_assert(sizeof(saved_registers) == 160);

}  // namespace v1
}  // namespace coir
