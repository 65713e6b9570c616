// atomic.hpp - std::atomic whose wait suspends the fiber.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <type_traits>

namespace coir {
inline namespace v1 {

// Engine level: those who wait, by the address of what they wait for. Waits until a notify after
// `unchanged(asked)` was false; returns also for no reason.
void wait_on_address(const volatile void* address, bool (*unchanged)(const void* asked),
                     const void* asked) noexcept;
void wake_on_address(const volatile void* address, bool all) noexcept;

// Waits on `cell`, an atomic of T, until it is another than `old`, bit by bit.
template <class Cell, class T>
void wait_on_cell(const Cell& cell, const T& old, std::memory_order order) noexcept {
  struct question {
    const Cell& cell;
    const T& old;
    std::memory_order order;
  } asked{cell, old, order};
  auto unchanged = [](const void* about) {
    const auto& q = *static_cast<const question*>(about);
    T now = q.cell.load(q.order);
    return std::memcmp(std::addressof(now), std::addressof(q.old), sizeof(T)) == 0;
  };
  while (unchanged(&asked)) wait_on_address(std::addressof(cell), unchanged, &asked);
}

// std::atomic, but for wait() and notify: they know of fibers as well as of plain threads.
//
//     coir::atomic<int> stage{0};
//     stage.wait(0);                       // until somebody stores another value and notifies
//
// Blocking      wait() suspends the fiber, or blocks the plain thread, that calls it.
// Cancellation  wait() is noexcept, and no cancellation point.
// Orders        are the caller's, and pair with what he says; so for atomic_flag.
template <class T>
class atomic : public std::atomic<T> {
 public:
  using std::atomic<T>::atomic;
  using std::atomic<T>::operator=;
  constexpr atomic() noexcept(std::is_nothrow_default_constructible_v<T>) = default;
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  void wait(T old, std::memory_order order = std::memory_order_seq_cst) const noexcept {
    wait_on_cell(static_cast<const std::atomic<T>&>(*this), old, order);
  }
  void notify_one() noexcept { wake_on_address(this, false); }
  void notify_all() noexcept { wake_on_address(this, true); }
};
template <class T>
atomic(T) -> atomic<T>;

// std::atomic_flag, likewise.
class atomic_flag {
 public:
  constexpr atomic_flag() noexcept = default;
  atomic_flag(const atomic_flag&) = delete;
  atomic_flag& operator=(const atomic_flag&) = delete;

  bool test(std::memory_order order = std::memory_order_seq_cst) const noexcept {
    return flag_.load(order);
  }
  bool test_and_set(std::memory_order order = std::memory_order_seq_cst) noexcept {
    return flag_.exchange(true, order);
  }
  void clear(std::memory_order order = std::memory_order_seq_cst) noexcept {
    flag_.store(false, order);
  }
  void wait(bool old, std::memory_order order = std::memory_order_seq_cst) const noexcept {
    flag_.wait(old, order);
  }
  void notify_one() noexcept { flag_.notify_one(); }
  void notify_all() noexcept { flag_.notify_all(); }

 private:
  atomic<bool> flag_{false};
};

}  // namespace v1
}  // namespace coir
