// atomic.hpp - what the library's atomics are in a model: every access is a step of the engine.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "model/engine.hpp"

namespace coir_model {

template <class T>
class atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

 public:
  constexpr atomic(T value = T()) noexcept : initial_(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;
  ~atomic() { end(cell_); }

  T load(std::memory_order order) const { return value_of(coir_model::load(known(), order)); }
  void store(T value, std::memory_order order) {
    coir_model::store(known(), bits_of(value), order);
  }
  T exchange(T value, std::memory_order order) {
    return value_of(modify(
        known(), [](std::uint64_t, std::uint64_t next) { return next; }, bits_of(value), order));
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure) {
    std::uint64_t found = bits_of(expected);
    bool there = compare_exchange(known(), found, bits_of(desired), success, failure);
    if (!there) expected = value_of(found);
    return there;
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order) {
    return compare_exchange_strong(expected, desired, order, on_failure(order));
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order) {
    return compare_exchange_strong(expected, desired, order);
  }
  T fetch_add(T by, std::memory_order order) {
    return value_of(modify(
        known(),
        [](std::uint64_t old, std::uint64_t more) {
          return bits_of(static_cast<T>(value_of(old) + value_of(more)));
        },
        bits_of(by), order));
  }
  T fetch_sub(T by, std::memory_order order) { return fetch_add(static_cast<T>(T() - by), order); }
  T fetch_or(T by, std::memory_order order) {
    return value_of(modify(
        known(), [](std::uint64_t old, std::uint64_t more) { return old | more; }, bits_of(by),
        order));
  }
  T fetch_and(T by, std::memory_order order) {
    return value_of(modify(
        known(), [](std::uint64_t old, std::uint64_t more) { return old & more; }, bits_of(by),
        order));
  }

  // For models.
  void await(T value) { coir_model::await(known(), bits_of(value)); }
  void name(const char* text) { coir_model::name(known(), text); }
  cell& raw() { return known(); }

 private:
  static std::uint64_t bits_of(T value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  }
  static T value_of(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  static constexpr std::memory_order on_failure(std::memory_order order) {
    return order == std::memory_order_acq_rel   ? std::memory_order_acquire
           : order == std::memory_order_release ? std::memory_order_relaxed
                                                : order;
  }
  cell& known() const {
    if (cell_.location == 0) cell_.value = bits_of(initial_);
    return cell_;
  }

  T initial_;
  mutable cell cell_{0};
};

// A variable that is not atomic: accesses of two threads, one of which writes, are to be ordered.
template <class T>
class plain {
 public:
  explicit plain(const char* what, T value = T()) : what_(what), value_(value) {}
  plain(T value) : plain("a field", value) {}
  plain& operator=(const plain& other) { return *this = other.get(); }

  T get() const {
    plain_read(clocks_, what_);
    return value_;
  }
  void set(T value) {
    plain_write(clocks_, what_);
    value_ = value;
  }
  operator T() const { return get(); }
  plain& operator=(T value) {
    set(value);
    return *this;
  }
  // In `finally`, and where the order does not matter.
  T peek() const { return value_; }

 private:
  const char* what_;
  T value_;
  mutable plain_clocks clocks_;
};

}  // namespace coir_model
