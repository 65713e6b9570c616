// futex.cpp - sleeping on a word of memory, by the kernel.
// SPDX-License-Identifier: BSL-1.0
#include "arch/futex.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coir {
inline namespace v1 {
namespace {

// 32-bit systems with a 64-bit time_t only.
#if defined(SYS_futex)
constexpr long futex_call = SYS_futex;
#else
constexpr long futex_call = SYS_futex_time64;
#endif

}  // namespace

bool futex_wait(atomic_cell<std::uint32_t>& word, std::uint32_t value, deadline end) noexcept {
  // FUTEX_WAIT_BITSET takes a point in time on the monotonic clock, which is steady_clock's.
  timespec at{};
  if (!end.is_never()) {
    std::int64_t time = std::max(end.nanoseconds(), std::int64_t{0});  // the kernel refuses less
    at.tv_sec = static_cast<std::time_t>(time / 1'000'000'000);
    at.tv_nsec = static_cast<long>(time % 1'000'000'000);
  }
  long result = syscall(futex_call, &word, FUTEX_WAIT_BITSET_PRIVATE, value,
                        end.is_never() ? nullptr : &at, nullptr, FUTEX_BITSET_MATCH_ANY);
  return !(result != 0 && errno == ETIMEDOUT);
}

void futex_wake(atomic_cell<std::uint32_t>& word) noexcept {
  syscall(futex_call, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace v1
}  // namespace coir
