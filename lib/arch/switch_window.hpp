// switch_window.hpp - whether a signal came amid the inline switch, where no walk must begin.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/arch.hpp>

#include <cstdint>

namespace coir {
inline namespace v1 {

// Between the loading of the stack pointer and the jump the registers are those of the computation
// that comes, and the frame is described by the function that is left: a walk from there reads
// memory at places that mean nothing, and may fault. `at` is the instruction that the signal came
// before. The registers of the switch are fixed (arch_*.hpp), and so are the bytes:
//
//     x86-64             AArch64               RISC-V
//     movq 0(rsi), rsp   ldp x16, x29, [x1]    ld s0, 8(a1)
//   > movq 8(rsi), rbp > ldr x17, [x1, #16]  > ld sp, 0(a1)
//   > jmpq *16(rsi)    > mov sp, x16         > jr t1
//                      > br x17
//
// A function that happens to have the same instructions costs who asks another try.
inline bool amid_inline_switch([[maybe_unused]] const void* at) noexcept {
#if defined(__x86_64__) && COIR_INLINE_SWITCH
  static constexpr unsigned char rest[] = {0x48, 0x8b, 0x6e, 0x08, 0xff, 0x66, 0x10};
  auto* code = static_cast<const unsigned char*>(at);
  auto matches = [code](const unsigned char* from) {
    for (const unsigned char* c = code; from != rest + sizeof rest; ++from, ++c)
      if (*c != *from) return false;
    return true;
  };
  return matches(rest) || matches(rest + 4);
#elif defined(__aarch64__) && COIR_INLINE_SWITCH
  auto* code = static_cast<const std::uint32_t*>(at);
  return (code[0] == 0xf9400831 && code[1] == 0x9100021f) ||
         (code[0] == 0x9100021f && code[1] == 0xd61f0220) || code[0] == 0xd61f0220;
#elif defined(__riscv) && COIR_INLINE_SWITCH
  auto* code = static_cast<const std::uint16_t*>(at);
  auto jumps = [](const std::uint16_t* c) {
    return c[0] == 0x8302 || (c[0] == 0x0067 && c[1] == 0x0003);  // with compressed ones or without
  };
  return jumps(code) || (code[0] == 0xb103 && code[1] == 0x0005 && jumps(code + 2));
#else
  return false;
#endif
}

}  // namespace v1
}  // namespace coir
