// receive_result.hpp - what a receive that may come back empty-handed came back with.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

namespace coir {
inline namespace v1 {

// A value, or the reason why there is none.
//
//     if (auto r = ch.receive_for(1s)) {
//       use(*r);
//     } else if (r.is_closed()) {
//       return;
//     }
//
// Throws  value() without a value: std::bad_optional_access.
template <class T>
class receive_result {
 public:
  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  // Of the next three and has_value() exactly one is true.
  bool is_empty() const noexcept { return !has_value() && reason_ == reason::empty; }
  bool timed_out() const noexcept { return !has_value() && reason_ == reason::timed_out; }
  bool is_closed() const noexcept { return !has_value() && reason_ == reason::closed; }

  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  T& value() & { return value_.value(); }
  const T& value() const& { return value_.value(); }
  T&& value() && { return std::move(value_).value(); }

  // Engine level: made empty, filled with one of these.
  enum class reason : std::uint8_t { empty, timed_out, closed };
  explicit receive_result(reason why) noexcept : reason_(why) {}
  std::optional<T>& storage() noexcept { return value_; }
  void set_reason(reason why) noexcept { reason_ = why; }

 private:
  std::optional<T> value_;
  reason reason_;
};

}  // namespace v1
}  // namespace coir
