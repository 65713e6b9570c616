// x86_64_sysv.hpp - the frame that asm/x86_64_sysv.S leaves on a stack.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

struct saved_registers {
  std::uint64_t r15;
  std::uint64_t r14;
  std::uint64_t r13;
  std::uint64_t r12;
  std::uint64_t rbx;
  void* return_address;
};
static_assert(offsetof(saved_registers, r15) == 0);
static_assert(offsetof(saved_registers, r14) == 8);
static_assert(offsetof(saved_registers, r13) == 16);
static_assert(offsetof(saved_registers, r12) == 24);
static_assert(offsetof(saved_registers, rbx) == 32);
static_assert(offsetof(saved_registers, return_address) == 40);
static_assert(sizeof(saved_registers) == 48);

}  // namespace v1
}  // namespace coir
