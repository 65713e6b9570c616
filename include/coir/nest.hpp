// nest.hpp - the fibers that were spawned under a run() inside a fiber.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>
#include <coir/wait.hpp>

#include <cstddef>

namespace coir {
inline namespace v1 {

// Engine level: fibers inherit it from who spawns them, and leave it when they end.
class nest {
 public:
  nest() noexcept = default;
  nest(const nest&) = delete;
  nest& operator=(const nest&) = delete;

  // Cancels those that are still in it, and what they spawn from then on, and waits for their end.
  ~nest();

  // While it lives, what the running fiber spawns comes in here, and not where the fiber is itself.
  class opened {
   public:
    explicit opened(nest& here) noexcept;
    opened(const opened&) = delete;
    opened& operator=(const opened&) = delete;
    ~opened();

   private:
    nest* before_;
  };

  // A fresh fiber comes in, before anybody else knows it.
  void enter(fiber& fresh) noexcept;
  void leave() noexcept;

 private:
  void cancel_all();

  spinlock lock_;  // guards the three below
  wait_list waiters_;
  std::size_t inside_ = 0;
  bool ending_ = false;
};

}  // namespace v1
}  // namespace coir
