// shared_word.hpp - the seam to the atomics: one word that threads share.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#ifdef COIR_MODEL
#include <model/atomic.hpp>  // the model checker's, which explores every interleaving
#else
#include <atomic>
#endif

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace coir {
inline namespace v1 {

// `plain_cell` is for what threads hand to each other by other words: no atomic, but a model looks
// whether the accesses are ordered.
#ifdef COIR_MODEL
template <class T>
using atomic_cell = coir_model::atomic<T>;
template <class T>
using plain_cell = coir_model::plain<T>;
#else
template <class T>
using atomic_cell = std::atomic<T>;
template <class T>
using plain_cell = T;
#endif

// Whether this process has one thread only, so that nobody can come between a load and a store.
// False where the C library does not say.
[[gnu::always_inline]] inline bool single_threaded() noexcept {
#if __has_include(<sys/single_threaded.h>) && !defined(COIR_MODEL)
  return __libc_single_threaded;
#else
  return false;
#endif
}

// The orders are the caller's, who names their partners.
//
// An atomic whose read-modify-writes cost a load and a store while the process has one thread, and
// a locked instruction (some five nanoseconds) after that. A thread that is created later sees all
// that came before its creation, so the switch from one to the other needs no care.
template <class T>
class shared_word {
 public:
  constexpr explicit shared_word(T value = T()) noexcept : cell_(value) {}
  shared_word(const shared_word&) = delete;
  shared_word& operator=(const shared_word&) = delete;

  T load(std::memory_order order) const noexcept { return cell_.load(order); }
  void store(T value, std::memory_order order) noexcept { cell_.store(value, order); }

  [[gnu::always_inline]] T exchange(T value, std::memory_order order) noexcept {
    if (single_threaded()) return replace([=](T) { return value; });
    return cell_.exchange(value, order);
  }

  [[gnu::always_inline]] T fetch_add(T change, std::memory_order order) noexcept {
    if (single_threaded()) return replace([=](T old) { return old + change; });
    return cell_.fetch_add(change, order);
  }

  [[gnu::always_inline]] T fetch_or(T bits, std::memory_order order) noexcept {
    if (single_threaded()) return replace([=](T old) { return old | bits; });
    return cell_.fetch_or(bits, order);
  }

  [[gnu::always_inline]] T fetch_and(T bits, std::memory_order order) noexcept {
    if (single_threaded()) return replace([=](T old) { return old & bits; });
    return cell_.fetch_and(bits, order);
  }

  // Whether `expected` was there; `order` counts on success, a failure is an acquire load.
  [[gnu::always_inline]] bool compare_exchange(T& expected, T value,
                                               std::memory_order order) noexcept {
    if (single_threaded()) {
      // Relaxed: there is no other thread to order against.
      T found = cell_.load(std::memory_order_relaxed);
      if (found != expected) {
        expected = found;
        return false;
      }
      cell_.store(value, std::memory_order_relaxed);
      return true;
    }
    return cell_.compare_exchange_strong(expected, value, order, std::memory_order_acquire);
  }

 private:
  template <class Change>
  [[gnu::always_inline]] T replace(Change change) noexcept {
    // Relaxed: there is no other thread to order against.
    T old = cell_.load(std::memory_order_relaxed);
    cell_.store(change(old), std::memory_order_relaxed);
    return old;
  }

  atomic_cell<T> cell_;
};

}  // namespace v1
}  // namespace coir
