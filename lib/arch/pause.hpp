// pause.hpp - how a loop waits for another thread that is about to be done.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#ifndef COIR_MODEL
#include <sched.h>
#endif

namespace coir {
inline namespace v1 {

// Tells the processor that this is a spinning loop.
inline void pause_processor() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

// The n-th look at something another thread changes soon: at first stays, then gives the processor
// away, because the other thread may need it.
inline void wait_a_little(int looks) noexcept {
#ifdef COIR_MODEL
  static_cast<void>(looks);
  coir_model::yield();
#else
  if (looks < 64) {
    pause_processor();
  } else {
    sched_yield();
  }
#endif
}

}  // namespace v1
}  // namespace coir
