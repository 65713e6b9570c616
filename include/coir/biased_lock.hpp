// biased_lock.hpp - a lock that costs its owner two plain stores and a load, and a thief a lot.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/config.hpp>
#include <coir/shared_word.hpp>

#include <cstdint>

namespace coir {
inline namespace v1 {

// Guards a worker's private run queue. The owner enters for every switch; a thief comes rarely, and
// must be able to even while the owner runs one fiber for ever and looks at nothing.
//
//     owner                              thief
//     inside = 1                 (a)     wanted = 1                  (c)
//     wanted ?  wait : go on     (b)     heavy fence                 (d)
//                                        inside ?  give up : take    (e)
//
// Without (d) the owner's store (a) may still sit in its store buffer while (b) reads 0 and (e)
// reads 0: both are in. The heavy fence (membarrier) makes every running thread of the process pass
// a full barrier: either (a) was before it and (e) sees 1, or (b) comes after it and sees 1. So the
// owner needs no fence of its own. Where the system has no such call nothing is stolen from a
// running worker.
class biased_lock {
 public:
  // Owner only. Waits while a thief is in, which takes it microseconds at most.
  [[gnu::always_inline]] void enter() noexcept {
#if COIR_TSAN || defined(COIR_MODEL_FENCES)
    // The checker knows nothing of the heavy fence: sequentially consistent here and in
    // try_seize().
    inside_.exchange(1, std::memory_order_seq_cst);
    if (wanted_.load(std::memory_order_seq_cst) != 0) enter_contended();
#else
    // Relaxed, and only the compiler kept from reordering: (d) does the rest.
    inside_.store(1, std::memory_order_relaxed);
    compiler_fence();
    // Acquire: pairs with the release in give_back(), to see what the thief left.
    if (wanted_.load(std::memory_order_acquire) != 0) [[unlikely]]
      enter_contended();
#endif
  }

  [[gnu::always_inline]] void leave() noexcept {
    // Release: pairs with the acquire of `inside` in try_seize().
    inside_.store(0, std::memory_order_release);
  }

  // Any other thread. False where the owner or another thief is in, or there is no heavy fence.
  bool try_seize() noexcept;
  void give_back() noexcept;

  // Asks the system for the heavy fence, once; whether there is one.
  static bool prepare() noexcept;

 private:
  static void compiler_fence() noexcept {
#ifndef COIR_MODEL
    std::atomic_signal_fence(std::memory_order_seq_cst);  // keeps (a) before (b) in the program
#endif
  }
  [[gnu::noinline, gnu::cold]] void enter_contended() noexcept;

  atomic_cell<std::uint32_t> inside_{0};  // written by the owner only
  atomic_cell<std::uint32_t> wanted_{0};  // written by thieves only
};

}  // namespace v1
}  // namespace coir
