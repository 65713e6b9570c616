// riscv64_lp64d.hpp - the frame that asm/riscv64_lp64d.S leaves on a stack.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

struct saved_registers {
  void* return_address;  // ra
  std::uint64_t s[12];   // s0 ... s11
  double fs[12];         // fs0 ... fs11
  std::uint64_t unused;
};
static_assert(offsetof(saved_registers, return_address) == 0);
static_assert(offsetof(saved_registers, s) == 8);
static_assert(offsetof(saved_registers, fs) == 104);
static_assert(sizeof(saved_registers) == 208);

}  // namespace v1
}  // namespace coir
