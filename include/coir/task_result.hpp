// task_result.hpp - where the result of a fiber is kept until it is asked for.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <utility>

namespace coir {
inline namespace v1 {

template <class T>
class task_result {
 public:
  template <class Closure>
  void fill(Closure& closure) {
    value_.emplace(closure());
  }
  const T& look() const {
    check();
    return *value_;
  }
  T take() {
    check();
    T out = std::move(*value_);
    value_.reset();
    return out;
  }

 private:
  void check() const {
    if (!value_) throw std::future_error(std::future_errc::no_state);
  }
  std::optional<T> value_;
};

template <class T>
class task_result<T&> {
 public:
  template <class Closure>
  void fill(Closure& closure) {
    value_ = std::addressof(closure());
  }
  T& look() const noexcept { return *value_; }
  T& take() const noexcept { return *value_; }

 private:
  T* value_ = nullptr;
};

template <>
class task_result<void> {
 public:
  template <class Closure>
  void fill(Closure& closure) {
    closure();
  }
  void look() const noexcept {}
  void take() const noexcept {}
};

}  // namespace v1
}  // namespace coir
