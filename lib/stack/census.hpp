// census.hpp - how many stacks were in use at once, counted without a shared word on the hot path.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>

namespace coir {
inline namespace v1 {

// Each bin reports here when it comes to its size class: how its share of the stacks in use changed
// since it last did, and how high it was in between. A share is what the thread took from the class
// less what it gave back and what lies in its bin; negative where others' stacks are given back.
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

}  // namespace v1
}  // namespace coir
