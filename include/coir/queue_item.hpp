// queue_item.hpp - a value in a queue, in memory of its own.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/queue_core.hpp>

#include <memory>
#include <utility>

namespace coir {
inline namespace v1 {

template <class T>
struct queue_item : queue_node {
  template <class Value>
  explicit queue_item(Value&& from) : value(std::forward<Value>(from)) {}

  T value;
};

// Items in the order in which they came, or the other way round: linked by the core itself.
template <class T, queue_order Order>
class queue_line {
 public:
  static constexpr queue_order order = Order;

  template <class Value>
  static void put(queue_core& core, Value&& value) {
    auto made = std::make_unique<queue_item<T>>(std::forward<Value>(value));
    if (core.land(made.get())) static_cast<void>(made.release());
  }
  static queue_node* take(queue_core& core) noexcept { return core.take(); }
  static queue_node* shut_down(queue_core& core, bool empty) noexcept {
    return core.shut_down(empty);
  }
};

}  // namespace v1
}  // namespace coir
