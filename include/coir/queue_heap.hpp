// queue_heap.hpp - the items of a priority_queue: the least one on top.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/mutex.hpp>
#include <coir/queue_core.hpp>
#include <coir/queue_item.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace coir {
inline namespace v1 {

// A binary heap, guarded by a mutex since comparing is the user's code and may do anything. All
// comparing is done before anything moves, so that a comparison which throws has changed nothing.
template <class T, class Compare>
class queue_heap {
 public:
  static constexpr queue_order order = queue_order::elsewhere;

  explicit queue_heap(Compare before = Compare()) : before_(std::move(before)) {}

  template <class Value>
  void put(queue_core& core, Value&& value) {
    std::unique_ptr<queue_item<T>> made;  // if the queue does not keep it, destroyed last
    std::lock_guard guard(mutex_);
    if (items_.size() == items_.capacity()) items_.reserve(2 * items_.size() + 1);
    const std::size_t place = place_for(value);
    made = std::make_unique<queue_item<T>>(std::forward<Value>(value));
    if (core.land(nullptr)) insert(place, std::move(made));
  }

  // Null where there is none any more.
  queue_node* take(queue_core& core) {
    std::lock_guard guard(mutex_);
    const std::size_t hole = items_.empty() ? 0 : hole_for_last();
    queue_node* item = core.take();  // one that was given back
    if (item == nullptr && !items_.empty()) item = remove_top(hole).release();
    return item;
  }

  queue_node* shut_down(queue_core& core, bool empty) {
    if (!empty) return core.shut_down(false);
    std::vector<entry> dropped;  // without the mutex
    std::lock_guard guard(mutex_);
    dropped.swap(items_);
    return core.shut_down(true);
  }

 private:
  struct entry {
    std::unique_ptr<queue_item<T>> item;
    std::uint64_t number;  // among equals the smaller one comes first
  };

  static std::size_t parent(std::size_t i) noexcept { return (i - 1) / 2; }

  bool comes_before(const entry& a, const entry& b) {
    const T& left = a.item->value;
    const T& right = b.item->value;
    if (before_(left, right)) return true;
    return a.number < b.number && !before_(right, left);
  }

  // Where a new item goes, in the line from the end to the top.
  std::size_t place_for(const T& value) {
    std::size_t place = items_.size();
    while (place != 0 && before_(value, std::as_const(items_[parent(place)].item->value)))
      place = parent(place);
    return place;
  }

  void insert(std::size_t place, std::unique_ptr<queue_item<T>> item) noexcept {
    std::size_t i = items_.size();
    items_.push_back({std::move(item), next_number_++});
    for (; i != place; i = parent(i)) std::swap(items_[i], items_[parent(i)]);
  }

  // Where the last item goes once the top is gone, in the line of the lesser children.
  std::size_t hole_for_last() {
    const std::size_t last = items_.size() - 1;
    std::size_t hole = 0;
    for (std::size_t child = 1; child < last; child = 2 * hole + 1) {
      if (child + 1 < last && comes_before(items_[child + 1], items_[child])) ++child;
      if (!comes_before(items_[child], items_[last])) break;
      hole = child;
    }
    return hole;
  }

  std::unique_ptr<queue_item<T>> remove_top(std::size_t hole) noexcept {
    entry rising = std::move(items_.back());
    items_.pop_back();
    if (items_.empty()) return std::move(rising.item);
    for (std::size_t i = hole; i != 0; i = parent(i)) std::swap(items_[i], rising);
    std::swap(items_[0], rising);
    return std::move(rising.item);
  }

  mutex mutex_;
  // -- under mutex_
  std::vector<entry> items_;
  std::uint64_t next_number_ = 0;
  [[no_unique_address]] Compare before_;
};

}  // namespace v1
}  // namespace coir
