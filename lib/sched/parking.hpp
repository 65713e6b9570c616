// parking.hpp - where a worker sleeps in the kernel until someone or its deadline wakes it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/deadline.hpp>
#include <coir/shared_word.hpp>

#include <cstdint>

#include "sched/census.hpp"

namespace coir {
inline namespace v1 {

// Sleeping and waking cannot miss each other:
//
//     worker                                  waker
//     word = parked             (a)           puts a fiber in the inbox       (c)
//     inbox empty ?             (b)           word = notified; was it parked? (d)
//       sleeps while word is parked             wakes the sleeper
//
// All four are sequentially consistent: if (b) does not see (c), then (d) comes after (a) and sees
// `parked`. A notification that finds nobody asleep is kept for the next park().
class parking_spot {
 public:
  // Announces the sleep; what may end it is looked at afterwards.
  void prepare() noexcept {
    // Sequentially consistent: see above. (a)
    std::uint32_t expected = awake;
    word_.compare_exchange_strong(expected, parked, std::memory_order_seq_cst);
  }

  // Whether somebody called since the worker last slept or called its sleep off: its loop is to
  // look at what it is waiting for, whether fibers are ready or not.
  bool called() const noexcept {
    // Relaxed: a hint to come and look; who comes calls the sleep off, and that acquires.
    return word_.load(std::memory_order_relaxed) == notified;
  }

  // Calls the sleep off.
  void cancel() noexcept {
    // Acquire: takes in the notification it may wipe out; the worker looks at its inbox next.
    std::uint32_t before = word_.exchange(awake, std::memory_order_acquire);
    if (before == counted) discount_sleeper();
    if (before == notified) drain();
  }

  // The same for a worker that is awake and about to look at all that it may be called for; false,
  // and nothing done, where nobody called. A call that is looked at and left would keep it awake.
  bool answer() noexcept {
    if (!called()) return false;
    cancel();
    return true;
  }

  // Counts the announced sleep in the census, for as long as nobody has notified it.
  void count_in() noexcept {
    count_sleeper();
    std::uint32_t expected = parked;
    // Sequentially consistent: as prepare().
    if (!word_.compare_exchange_strong(expected, counted, std::memory_order_seq_cst))
      discount_sleeper();
  }

  // For a foreign event loop, which sleeps elsewhere: announces the sleep, and makes the descriptor
  // readable at once where somebody has called meanwhile, or `more` says that there is more to do.
  template <class More>
  void announce(More more) noexcept {
    cancel();
    prepare();
    if ((called() || more()) && !notify()) ring();
  }

  // Sleeps, after prepare(), until notified or until `end`. False when the deadline ended it.
  bool park(deadline end) noexcept;

  // Any thread. Whether somebody was asleep, or about to be.
  bool notify() noexcept;

  // For a foreign event loop: becomes readable when a sleep that was announced is notified. Made on
  // first use; throws std::system_error.
  int descriptor();

  ~parking_spot();

 private:
  void ring() noexcept;
  void drain() noexcept;

  static constexpr std::uint32_t awake = 0;
  static constexpr std::uint32_t parked = 1;
  static constexpr std::uint32_t notified = 2;
  static constexpr std::uint32_t counted = 3;  // parked, and in the census

  atomic_cell<std::uint32_t> word_{awake};
  atomic_cell<int> descriptor_{-1};
};

}  // namespace v1
}  // namespace coir
