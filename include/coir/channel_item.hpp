// channel_item.hpp - how a value travels through a channel: as it is, or in a box of its own.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// What carries a T whose move may throw. The sender makes it before it takes the channel's lock,
// the receiver opens it afterwards, and in between only its address is moved.
template <class T>
struct channel_box {
  template <class Value>
  explicit channel_box(Value&& from) : value(std::forward<Value>(from)) {}

  T value;
  std::unique_ptr<channel_box> next;  // of those that were given back
};

template <class T>
inline constexpr bool travels_in_box = !std::is_nothrow_move_constructible_v<T>;

template <class T>
using channel_item = std::conditional_t<travels_in_box<T>, std::unique_ptr<channel_box<T>>, T>;

// Items that receivers gave back because they could not open the box: taken before all others.
// Only boxes can be given back.
template <class Item>
class returned_items {
 public:
  static constexpr bool possible = false;
};

template <class T>
class returned_items<std::unique_ptr<channel_box<T>>> {
 public:
  static constexpr bool possible = true;

  bool empty() const noexcept { return first_ == nullptr; }
  void push_back(std::unique_ptr<channel_box<T>> box) noexcept {
    last_ = ((first_ == nullptr ? first_ : last_->next) = std::move(box)).get();
  }
  std::unique_ptr<channel_box<T>> pop_front() noexcept {
    return std::exchange(first_, std::move(first_->next));
  }

 private:
  std::unique_ptr<channel_box<T>> first_;
  channel_box<T>* last_ = nullptr;  // where first_ is not null
};

// The item that is offered for a value the user wants to send.
//
//     rvalue    moved from when it is taken
//     lvalue    copied first, where copying is more than copying bytes
//     in a box  copied into it where T can be copied, as std::vector does it, so that a send which
//               fails has left the value alone; else moved there, and moved back by recall()
template <class T, class Value>
class outgoing {
 public:
  static constexpr bool boxed = travels_in_box<T>;
  static constexpr bool from_lvalue = std::is_lvalue_reference_v<Value>;
  static constexpr bool in_place = !boxed && (!from_lvalue || std::is_trivially_copyable_v<T>);
  static constexpr bool lent = boxed && !from_lvalue && !std::is_copy_constructible_v<T>;
  static_assert(!lent || std::is_move_assignable_v<T>,
                "a value that can neither be copied nor moved back must move without throwing");

  [[gnu::always_inline]] explicit outgoing(Value&& value) : item_(make(value)) {}

  // Only an rvalue is moved from; of a trivially copyable lvalue a move is a copy.
  [[gnu::always_inline]] channel_item<T>& item() noexcept {
    if constexpr (in_place) {
      return const_cast<T&>(item_);
    } else {
      return item_;
    }
  }

  // What was not sent goes back where it came from.
  void recall(T& value) {
    if constexpr (lent) {
      if (item_ != nullptr) value = std::move(item_->value);
    }
  }

 private:
  using stored = std::conditional_t<in_place, const T&, channel_item<T>>;

  [[gnu::always_inline]] static stored make(std::remove_reference_t<Value>& value) {
    if constexpr (in_place) {
      return value;
    } else if constexpr (lent) {
      return std::make_unique<channel_box<T>>(std::move(value));
    } else if constexpr (boxed) {
      return std::make_unique<channel_box<T>>(std::as_const(value));
    } else {
      return value;
    }
  }

  stored item_;
};

}  // namespace v1
}  // namespace coir
