// parking.cpp - where a worker sleeps in the kernel until someone or its deadline wakes it.
// SPDX-License-Identifier: BSL-1.0
#include "sched/parking.hpp"

#include <cerrno>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

#include "arch/futex.hpp"

namespace coir {
inline namespace v1 {

bool parking_spot::park(deadline end) noexcept {
  bool in_time = true;
  // Acquire: pairs with the waker's exchange in notify().
  for (std::uint32_t now; in_time && (now = word_.load(std::memory_order_acquire)) != notified;)
    in_time = futex_wait(word_, now, end);
  return in_time;
}

bool parking_spot::notify() noexcept {
  // Sequentially consistent: see parking.hpp. (d)
  std::uint32_t before = word_.exchange(notified, std::memory_order_seq_cst);
  if (before == counted) discount_sleeper();
  if (before != parked && before != counted) return false;
  ring();
  futex_wake(word_);
  return true;
}

void parking_spot::ring() noexcept {
  // Acquire: pairs with the release in descriptor().
  if (int fd = descriptor_.load(std::memory_order_acquire); fd >= 0) {
    std::uint64_t one = 1;
    static_cast<void>(!write(fd, &one, sizeof one));
  }
}

int parking_spot::descriptor() {
  // Acquire: pairs with the release below.
  int fd = descriptor_.load(std::memory_order_acquire);
  if (fd >= 0) return fd;
  fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);  // readable: run_ready() is to look first
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "coir: eventfd");
  // Release: pairs with the acquire in notify().
  descriptor_.store(fd, std::memory_order_release);
  return fd;
}

void parking_spot::drain() noexcept {
  // Relaxed: only the worker's own thread drains, and it made the descriptor.
  if (int fd = descriptor_.load(std::memory_order_relaxed); fd >= 0) {
    std::uint64_t count;
    static_cast<void>(!read(fd, &count, sizeof count));
  }
}

parking_spot::~parking_spot() {
  // Relaxed: nobody notifies any more.
  if (int fd = descriptor_.load(std::memory_order_relaxed); fd >= 0) close(fd);
}

}  // namespace v1
}  // namespace coir
