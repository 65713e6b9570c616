// kernel_sleep.hpp - how long a thread has slept in the kernel, as far as looks at it tell.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include <sys/types.h>

namespace coir {
inline namespace v1 {

// What the system says of a thread of this process.
struct thread_status {
  bool known = false;        // not where there is no /proc
  bool asleep = false;       // in a call that waits, or for a disk
  std::uint64_t sleeps = 0;  // how often it has gone to sleep

  static thread_status of(pid_t thread) noexcept;
  // Of the lines of /proc/self/task/<thread>/status.
  static thread_status parse(std::string_view lines) noexcept;
};

// The looks at one thread, one after the other. Two that find it asleep, with the same count of
// sleeps, see one sleep.
class sleep_meter {
 public:
  void restart() noexcept { *this = sleep_meter(); }

  // Whether it has slept for `limit` at `now`, and that is yet to be told.
  bool overdue(const thread_status& seen, std::int64_t now, std::int64_t limit) noexcept {
    if (!seen.known || !seen.asleep || seen.sleeps != sleeps_) {
      if (std::exchange(sleeps_, seen.sleeps) != seen.sleeps)
        told_ = std::exchange(resumes_, false);
      since_ = now;
      return false;
    }
    return !told_ && now - since_ >= limit;
  }

  // It is told by a signal, after which the thread goes to sleep again: the same sleep.
  void told() noexcept { told_ = resumes_ = true; }

  std::int64_t since() const noexcept { return since_; }

 private:
  std::uint64_t sleeps_ = ~std::uint64_t{0};
  std::int64_t since_ = 0;
  bool told_ = false;
  bool resumes_ = false;
};

}  // namespace v1
}  // namespace coir
