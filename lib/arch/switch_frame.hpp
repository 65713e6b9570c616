// switch_frame.hpp - the C++ mirrors of what asm/ leaves on a stack; picks the one in use.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/arch.hpp>

#include <cstddef>

// What every assembly file takes for granted of the header.
static_assert(offsetof(coir::switch_frame, sp) == 0);
static_assert(offsetof(coir::switch_frame, bp) == 8);
static_assert(offsetof(coir::switch_frame, ip) == 16);

#if defined(__x86_64__)
#include "arch/x86_64_sysv.hpp"
#elif defined(__aarch64__)
#include "arch/aarch64_aapcs64.hpp"
#elif defined(__riscv)
#include "arch/riscv64_lp64d.hpp"
#endif
