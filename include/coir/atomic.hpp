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

// Waits until what `load()` gives, of the atomic at `address`, is another than `old`, bit by bit.
template <class T, class Load>
void wait_on_value(const volatile void* address, const T& old, Load load) noexcept {
  struct question {
    Load& load;
    const T& old;
  } asked{load, old};
  auto unchanged = [](const void* about) {
    const auto& q = *static_cast<const question*>(about);
    T now = q.load();
    return std::memcmp(std::addressof(now), std::addressof(q.old), sizeof(T)) == 0;
  };
  while (unchanged(&asked)) wait_on_address(address, unchanged, &asked);
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
  atomic& operator=(const atomic&) volatile = delete;

  // Sequentially consistent unless asked otherwise, as the standard's.
  void wait(T old, std::memory_order order = std::memory_order_seq_cst) const noexcept {
    wait_on_value(this, old, [&] { return this->load(order); });
  }
  void wait(T old, std::memory_order order = std::memory_order_seq_cst) const volatile noexcept {
    wait_on_value(this, old, [&] { return this->load(order); });
  }
  void notify_one() noexcept { wake_on_address(this, false); }
  void notify_one() volatile noexcept { wake_on_address(this, false); }
  void notify_all() noexcept { wake_on_address(this, true); }
  void notify_all() volatile noexcept { wake_on_address(this, true); }
};
template <class T>
atomic(T) -> atomic<T>;

// The standard's functions of that kind; all others take ours for what it is derived from.
template <class T>
void atomic_wait(const atomic<T>* cell, typename atomic<T>::value_type old) noexcept {
  cell->wait(old);
}
template <class T>
void atomic_wait(const volatile atomic<T>* cell, typename atomic<T>::value_type old) noexcept {
  cell->wait(old);
}
template <class T>
void atomic_wait_explicit(const atomic<T>* cell, typename atomic<T>::value_type old,
                          std::memory_order order) noexcept {
  cell->wait(old, order);
}
template <class T>
void atomic_wait_explicit(const volatile atomic<T>* cell, typename atomic<T>::value_type old,
                          std::memory_order order) noexcept {
  cell->wait(old, order);
}
template <class T>
void atomic_notify_one(atomic<T>* cell) noexcept {
  cell->notify_one();
}
template <class T>
void atomic_notify_one(volatile atomic<T>* cell) noexcept {
  cell->notify_one();
}
template <class T>
void atomic_notify_all(atomic<T>* cell) noexcept {
  cell->notify_all();
}
template <class T>
void atomic_notify_all(volatile atomic<T>* cell) noexcept {
  cell->notify_all();
}

// std::atomic_flag, likewise.
class atomic_flag : public std::atomic_flag {
 public:
  using std::atomic_flag::atomic_flag;  // what ATOMIC_FLAG_INIT wants
  constexpr atomic_flag() noexcept = default;
  atomic_flag(const atomic_flag&) = delete;
  atomic_flag& operator=(const atomic_flag&) = delete;
  atomic_flag& operator=(const atomic_flag&) volatile = delete;

  // Sequentially consistent unless asked otherwise, as the standard's.
  void wait(bool old, std::memory_order order = std::memory_order_seq_cst) const noexcept {
    wait_on_value(this, old, [&] { return test(order); });
  }
  void wait(bool old, std::memory_order order = std::memory_order_seq_cst) const volatile noexcept {
    wait_on_value(this, old, [&] { return test(order); });
  }
  void notify_one() noexcept { wake_on_address(this, false); }
  void notify_one() volatile noexcept { wake_on_address(this, false); }
  void notify_all() noexcept { wake_on_address(this, true); }
  void notify_all() volatile noexcept { wake_on_address(this, true); }
};

inline void atomic_flag_wait(const volatile atomic_flag* flag, bool old) noexcept {
  flag->wait(old);
}
inline void atomic_flag_wait_explicit(const volatile atomic_flag* flag, bool old,
                                      std::memory_order order) noexcept {
  flag->wait(old, order);
}
inline void atomic_flag_notify_one(volatile atomic_flag* flag) noexcept {
  flag->notify_one();
}
inline void atomic_flag_notify_all(volatile atomic_flag* flag) noexcept {
  flag->notify_all();
}

}  // namespace v1
}  // namespace coir
