// barrier.hpp - a party that goes on together, phase after phase.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/this_fiber.hpp>
#include <coir/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace coir {
inline namespace v1 {

// What a barrier does whatever its completion function.
class barrier_core {
 public:
  constexpr explicit barrier_core(std::ptrdiff_t expected)
      : expected_(checked(expected)), left_(expected) {}

  // One of the two, then finish_phase() where they say that this was the last to arrive.
  bool arrive(std::ptrdiff_t update, std::ptrdiff_t drop, std::uint64_t& phase);
  bool arrive_and_wait();

  void finish_phase() noexcept;
  void wait(std::uint64_t phase);

 private:
  static constexpr std::ptrdiff_t checked(std::ptrdiff_t expected) {
    if (expected < 0) refuse_negative();
    return expected;
  }
  [[noreturn]] static void refuse_negative();
  bool count(std::ptrdiff_t update);

  spinlock lock_;
  std::ptrdiff_t expected_;  // under lock_: arrivals of the phases to come
  std::ptrdiff_t left_;      // under lock_: arrivals that this phase lacks
  std::uint64_t phase_ = 0;  // under lock_
  wait_list waiters_;        // under lock_
};

struct no_completion {
  void operator()() const noexcept {}
};

// std::barrier: each phase ends when as many have arrived as it expects.
//
//     coir::barrier together{3, [&]() noexcept { swap_buffers(); }};
//     for (int i = 0; i < 3; ++i)
//       coir::spawn([&, i] { while (step(i)) together.arrive_and_wait(); });
//
// The completion function runs once a phase, on the last to arrive, before anyone goes on. It may
// wait; one that throws terminates.
//
// Blocking         waiting suspends the fiber, or blocks the plain thread, that calls it.
// Memory ordering  what was done before each arrival is visible to the completion function, and
//                  what that did after each wait.
// Lifetime         may be destroyed once all its calls have returned.
// Cancellation     wait() and arrive_and_wait() are cancellation points; the latter before it
//                  arrives, and has arrived if it is cancelled later.
// Throws           std::logic_error for more arrivals than the phase expects.
template <class CompletionFunction = no_completion>
class barrier {
 public:
  class arrival_token {
   public:
    arrival_token(arrival_token&&) noexcept = default;
    arrival_token& operator=(arrival_token&&) noexcept = default;

   private:
    friend class barrier;
    explicit arrival_token(std::uint64_t phase) noexcept : phase_(phase) {}
    std::uint64_t phase_;
  };

  constexpr explicit barrier(std::ptrdiff_t expected,
                             CompletionFunction completion = CompletionFunction())
      : core_(expected), completion_(std::move(completion)) {}
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  static constexpr std::ptrdiff_t(max)() noexcept { return PTRDIFF_MAX; }

  [[nodiscard]] arrival_token arrive(std::ptrdiff_t update = 1) {
    std::uint64_t phase;
    if (core_.arrive(update, 0, phase)) complete();
    return arrival_token(phase);
  }

  // Until the phase of the token has ended.
  void wait(arrival_token&& arrival) const { core_.wait(arrival.phase_); }

  void arrive_and_wait() {
    if (core_.arrive_and_wait()) complete();
  }

  // Arrives, and is expected no more from the next phase on.
  void arrive_and_drop() {
    std::uint64_t phase;
    if (core_.arrive(1, 1, phase)) complete();
  }

 private:
  void complete() noexcept {
    completion_();
    core_.finish_phase();
  }

  mutable barrier_core core_;
  [[no_unique_address]] CompletionFunction completion_;
};

}  // namespace v1
}  // namespace coir
