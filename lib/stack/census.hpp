// census.hpp - how many stacks were in use at once, counted without a shared word on the hot path.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace coir {
inline namespace v1 {

// Each thread reports here when it comes to the pool: how its share of the stacks in use changed
// since it last did, and how high it was in between.
class census {
 public:
  // `reported` is the share last reported; becomes `now`. `most` is the highest since then.
  static void report(std::ptrdiff_t& reported, std::ptrdiff_t now, std::ptrdiff_t most) noexcept {
    // relaxed, here and below: counts that publish nothing
    std::ptrdiff_t before = live_.fetch_add(now - reported, std::memory_order_relaxed);
    std::ptrdiff_t peak = before - reported + most;
    reported = now;
    std::ptrdiff_t seen = most_.load(std::memory_order_relaxed);
    while (seen < peak && !most_.compare_exchange_weak(seen, peak, std::memory_order_relaxed)) {
    }
  }

  static std::ptrdiff_t most() noexcept {
    return most_.load(std::memory_order_relaxed);  // relaxed: as above
  }

 private:
  // Any thread.
  static inline constinit std::atomic<std::ptrdiff_t> live_{0};
  static inline constinit std::atomic<std::ptrdiff_t> most_{0};
};

// A thread's share: what it took from the pool less what it gave back and what lies in its bins.
// Negative where it gives back what others took. Owner only.
class census_share {
 public:
  // It went up by `most` at some time and is up by `net` now; either may be negative.
  void change(std::ptrdiff_t net, std::ptrdiff_t most) noexcept {
    most_ = std::max(most_, now_ + most);
    now_ += net;
  }

  void report() noexcept {
    census::report(reported_, now_, most_);
    most_ = now_;
  }

 private:
  std::ptrdiff_t now_ = 0;
  std::ptrdiff_t most_ = 0;  // since report()
  std::ptrdiff_t reported_ = 0;
};

}  // namespace v1
}  // namespace coir
