// generator_value.hpp - how values pass through a generator's switches.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// What a resumer sends with send, throw_ and close; next sends a null pointer. It lies on the
// resumer's stack, which stays as it is until the body has read it.
struct generator_message {
  enum class kind : unsigned char { send, raise, exit };
  kind what;
  void* payload;  // send: a Send; raise: a std::exception_ptr
};

// How values of a type travel through the switch, as a pointer that is null at the end: what is
// given to yield or send, and what comes out on the other side.
template <class Value>
struct generator_value {
  using given = Value;
  using taken = std::optional<Value>;
  using reference = Value&;
  static void* address(Value& value) noexcept {
    return const_cast<std::remove_const_t<Value>*>(std::addressof(value));
  }
  static taken take(void* item) {
    if (item == nullptr) return std::nullopt;
    return taken(std::move(*static_cast<Value*>(item)));
  }
};

template <class Value>
struct generator_value<Value&> {
  using given = Value&;
  using taken = Value*;
  using reference = Value&;
  static void* address(Value& value) noexcept {
    return const_cast<std::remove_const_t<Value>*>(std::addressof(value));
  }
  static taken take(void* item) noexcept { return static_cast<Value*>(item); }
};

template <>
struct generator_value<void> {
  struct given {};
  using taken = bool;
  static taken take(void* item) noexcept { return item != nullptr; }
};

// What a body returned, kept until it is asked for.
template <class Return>
class generator_result {
 public:
  template <class Body, class Yielder>
  void run(Body& body, Yielder& yield) {
    value_.emplace(std::invoke(body, yield));
  }
  bool has_value() const noexcept { return value_.has_value(); }
  Return& get() noexcept { return *value_; }

 private:
  std::optional<Return> value_;
};

template <class Return>
class generator_result<Return&> {
 public:
  template <class Body, class Yielder>
  void run(Body& body, Yielder& yield) {
    Return& value = std::invoke(body, yield);
    value_ = std::addressof(value);
  }
  bool has_value() const noexcept { return value_ != nullptr; }
  Return& get() noexcept { return *value_; }

 private:
  Return* value_ = nullptr;
};

template <>
class generator_result<void> {
 public:
  template <class Body, class Yielder>
  void run(Body& body, Yielder& yield) {
    std::invoke(body, yield);
    returned_ = true;
  }
  bool has_value() const noexcept { return returned_; }
  void get() noexcept {}

 private:
  bool returned_ = false;
};

}  // namespace v1
}  // namespace coir
