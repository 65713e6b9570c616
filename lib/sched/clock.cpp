// clock.cpp - the scheduler's clock, and the virtual one that tests put in its place.
// SPDX-License-Identifier: BSL-1.0
#include "sched/clock.hpp"

#include <coir/deadline.hpp>

#include <atomic>
#include <chrono>
#include <ctime>

namespace coir {
inline namespace v1 {
namespace {

constexpr std::int64_t real = -1;

// The virtual time, or `real`. Relaxed everywhere: a deadline orders nothing but itself.
std::atomic<std::int64_t> virtual_time{real};

}  // namespace

std::int64_t steady_now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t clock_now() noexcept {
  // Relaxed: see virtual_time.
  std::int64_t time = virtual_time.load(std::memory_order_relaxed);
  return time == real ? steady_now() : time;
}

std::int64_t clock_roughly() noexcept {
  if (virtual_clock_on()) return clock_now();
  timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool virtual_clock_on() noexcept {
  // Relaxed: see virtual_time.
  return virtual_time.load(std::memory_order_relaxed) != real;
}

void set_virtual_clock(bool on) noexcept {
  // Relaxed: see virtual_time.
  virtual_time.store(on ? steady_now() : real, std::memory_order_relaxed);
}

void advance_virtual_clock(std::int64_t to) noexcept {
  // Relaxed: see virtual_time.
  std::int64_t time = virtual_time.load(std::memory_order_relaxed);
  while (time != real && time < to &&
         !virtual_time.compare_exchange_weak(time, to, std::memory_order_relaxed)) {
  }
}

deadline deadline::now() noexcept {
  return deadline(clock_now());
}

}  // namespace v1
}  // namespace coir
