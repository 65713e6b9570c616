// thread.hpp - two threads that hand a turn to each other through a futex.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace bench {

// Keeps the calling thread, and threads it starts, on the processor it is on: a hand-off on one
// processor is several times faster than one that wakes another.
class on_one_processor {
 public:
  on_one_processor() {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned int>(sched_getcpu()), &one);
    sched_setaffinity(0, sizeof one, &one);
  }
  on_one_processor(const on_one_processor&) = delete;
  on_one_processor& operator=(const on_one_processor&) = delete;
  ~on_one_processor() { sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

class turn {
 public:
  // Release pairs with the acquire in wait_for(): who waits sees what came before.
  void give(int whom) {
    now_.store(whom, std::memory_order_release);
    futex(FUTEX_WAKE_PRIVATE, 1);
  }
  void wait_for(int me) {
    for (;;) {
      int seen = now_.load(std::memory_order_acquire);
      if (seen == me || seen == over) return;
      futex(FUTEX_WAIT_PRIVATE, seen);
    }
  }
  bool ended() const { return now_.load(std::memory_order_relaxed) == over; }

  static constexpr int over = -1;

 private:
  void futex(int operation, int value) {
    syscall(SYS_futex, &now_, operation, value, nullptr, nullptr, 0);
  }
  std::atomic<int> now_{0};
};

}  // namespace bench
