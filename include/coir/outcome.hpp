// outcome.hpp - what became of a task: a value, an exception, or that it was cancelled.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/task.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

namespace coir {
inline namespace v1 {

// What is kept of a result of type T: a reference as a pointer, nothing as a std::monostate.
template <class T>
using kept_result =
    std::conditional_t<std::is_void_v<T>, std::monostate,
                       std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

// Of three one.
//
//     for (auto& o : coir::gather_settled(tasks)) {
//       if (o.has_value()) use(*o);
//       else if (o.cancelled()) ...
//       else log(o.exception());
//     }
//
// Throws  value() where there is none: what ended the task.
template <class T>
class outcome {
 public:
  // Of a task that has ended, else std::logic_error; it counts as looked at. A result that cannot
  // be copied is moved out of it.
  explicit outcome(const task<T>& ended) {
    if (!ended.done()) throw std::logic_error("coir: the outcome of a task that has not ended");
    failure_ = ended.failure();
    cancelled_ = ended.cancelled();
    if (failure_ != nullptr) return;
    if constexpr (std::is_void_v<T>) {
      value_.emplace();
    } else if constexpr (std::is_reference_v<T>) {
      value_.emplace(std::addressof(ended.collect()));
    } else {
      value_.emplace(ended.collect());
    }
  }

  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  bool cancelled() const noexcept { return cancelled_; }

  // What ended it, `cancelled` included; null where it returned.
  std::exception_ptr exception() const noexcept { return failure_; }

  decltype(auto) value() const& {
    check();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(**value_);
    } else if constexpr (!std::is_void_v<T>) {
      return static_cast<const T&>(*value_);
    }
  }
  decltype(auto) value() & {
    check();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(**value_);
    } else if constexpr (!std::is_void_v<T>) {
      return static_cast<T&>(*value_);
    }
  }
  T value() && {
    check();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(**value_);
    } else if constexpr (!std::is_void_v<T>) {
      return std::move(*value_);
    }
  }
  decltype(auto) operator*() const& { return value(); }
  decltype(auto) operator*() & { return value(); }
  T operator*() && { return std::move(*this).value(); }
  auto operator->() const requires(!std::is_void_v<T>) { return std::addressof(value()); }

 private:
  void check() const {
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

  std::optional<kept_result<T>> value_;
  std::exception_ptr failure_;
  bool cancelled_ = false;
};

}  // namespace v1
}  // namespace coir
