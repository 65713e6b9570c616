// queue.hpp - work for those who come to get it: asyncio's queues.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/deadline.hpp>
#include <coir/queue_core.hpp>
#include <coir/queue_heap.hpp>
#include <coir/queue_item.hpp>
#include <coir/queue_shutdown.hpp>
#include <coir/try_until.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// What the three queues below have in common.
//
//     coir::queue<job> todo;
//     for (int i = 0; i < 10; ++i) {
//       workers.push_back(coir::spawn([&] {
//         while (true) {
//           work_on(todo.get());
//           todo.task_done();
//         }
//       }));
//     }
//     for (job& j : jobs) todo.put(std::move(j));
//     todo.join();                               // until task_done() was called for each
//
// Between fibers of any runtimes, and plain threads.
//
// Blocking         put() while full, get() while empty, join() while an item is not done: the fiber
//                  is suspended, a plain thread blocked. First come, first served: a place or an
//                  item goes to the one that waits longest, and nobody takes it from him. The try_
//                  forms do not wait.
// Memory ordering  what was done before a put is visible after the get of its item; what was done
//                  before task_done(), after the join() that it ended.
// Lifetime         outlives its operations, but for a task_done() whose join() has returned;
//                  destroyed while somebody waits, the program aborts. What was not got is
//                  destroyed with it.
// Cancellation     put, get and join, but for the try_ forms, are cancellation points. One that has
//                  succeeded returns, and the request waits for the next point: no item is lost.
// Cost             a lock or two on each side, and memory for each item.
// Throws           queue_shutdown. put: std::bad_alloc, and what moving, copying or comparing
//                  throws: then nothing was put. cancelled, deadlock.
//
// A put that throws or returns false has not moved from its argument, unless it was the move that
// threw; where the move may throw, T is copied if it can be. If moving it out throws, get() throws
// that, and the item is the next to be got.
template <class T, class Store>
class basic_queue {
 public:
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a queue holds plain values");
  static_assert(std::is_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

  using value_type = T;

  // With room for `maxsize` items; without limit where that is 0 or less.
  basic_queue() : basic_queue(0) {}
  template <std::integral Count, class... Order>
  explicit basic_queue(Count maxsize, Order&&... order)
      : core_(Store::order, std::cmp_less(maxsize, 0) ? 0 : static_cast<std::size_t>(maxsize)),
        store_(std::forward<Order>(order)...) {}
  basic_queue(const basic_queue&) = delete;
  basic_queue& operator=(const basic_queue&) = delete;
  ~basic_queue() { drop(core_.left()); }

  // Waits while full.
  void put(const T& value) { put_by(value, deadline::never()); }
  void put(T&& value) { put_by(std::move_if_noexcept(value), deadline::never()); }

  // Whether it got in: at once, in that time, by then.
  bool try_put(const T& value) { return try_to_put(value); }
  bool try_put(T&& value) { return try_to_put(std::move_if_noexcept(value)); }
  template <class Rep, class Period>
  bool put_for(const T& value, const std::chrono::duration<Rep, Period>& duration) {
    return put_by(value, deadline::after(duration));
  }
  template <class Rep, class Period>
  bool put_for(T&& value, const std::chrono::duration<Rep, Period>& duration) {
    return put_by(std::move_if_noexcept(value), deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool put_until(const T& value, const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [&](deadline until) { return put_by(value, until); });
  }
  template <class Clock, class Duration>
  bool put_until(T&& value, const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time,
                     [&](deadline until) { return put_by(std::move_if_noexcept(value), until); });
  }

  // Waits while empty.
  T get() { return open<T>(get_by(deadline::never())); }

  // An item, if there is one: at once, in that time, by then.
  std::optional<T> try_get() {
    queue_node* item = nullptr;
    return open_if(core_.try_claim(item) ? claimed(item) : nullptr);
  }
  template <class Rep, class Period>
  std::optional<T> get_for(const std::chrono::duration<Rep, Period>& duration) {
    return open_if(get_by(deadline::after(duration)));
  }
  template <class Clock, class Duration>
  std::optional<T> get_until(const std::chrono::time_point<Clock, Duration>& time) {
    queue_node* item = nullptr;
    try_until(time, [&](deadline until) { return (item = get_by(until)) != nullptr; });
    return open_if(item);
  }

  // One of the items that were got is done. Throws std::logic_error where all are.
  void task_done() { core_.task_done(); }

  // Waits until as many items are done as were put.
  void join() { core_.join(); }

  // Nothing is put any more: put throws queue_shutdown, and so does get once the queue is empty,
  // also where they wait. `immediate`: it is emptied now, and what was in it counts as done.
  // Idempotent.
  void shutdown(bool immediate = false) { drop(store_.shut_down(core_, immediate)); }

  // What was true a moment ago. An item that was promised to one who waits is not counted; nor is a
  // place free that was.
  std::size_t size() const noexcept { return core_.size(); }
  bool empty() const noexcept { return size() == 0; }
  bool full() const noexcept { return core_.full(); }

  // 0: without limit.
  std::size_t maxsize() const noexcept { return core_.maxsize(); }

 private:
  using item_type = queue_item<T>;

  template <class Value>
  bool put_by(Value&& value, deadline until) {
    if (!core_.admit(until)) return false;
    bring(std::forward<Value>(value));
    return true;
  }

  template <class Value>
  bool try_to_put(Value&& value) {
    if (!core_.try_admit()) return false;
    bring(std::forward<Value>(value));
    return true;
  }

  template <class Value>
  void bring(Value&& value) {
    try {
      store_.put(core_, std::forward<Value>(value));
    } catch (...) {
      core_.withdraw();
      throw;
    }
  }

  // Null where `until` has passed.
  queue_node* get_by(deadline until) {
    queue_node* item = nullptr;
    return core_.claim(item, until) ? claimed(item) : nullptr;
  }

  // Never null.
  queue_node* claimed(queue_node* item) {
    if (item != nullptr) return item;
    try {
      item = store_.take(core_);
    } catch (...) {
      core_.disclaim();
      throw;
    }
    if (item == nullptr) throw_queue_shutdown();
    return item;
  }

  std::optional<T> open_if(queue_node* item) {
    if (item == nullptr) return std::nullopt;
    return open<std::optional<T>>(item, std::in_place);
  }

  template <class Result, class... Kind>
  Result open(queue_node* node, Kind... kind) {
    std::unique_ptr<item_type> item(static_cast<item_type*>(node));
    try {
      return Result(kind..., std::move_if_noexcept(item->value));
    } catch (...) {
      if (core_.give_back(*item)) static_cast<void>(item.release());
      throw;
    }
  }

  static void drop(queue_node* items) noexcept {
    while (items != nullptr) {
      std::unique_ptr<item_type> first(static_cast<item_type*>(std::exchange(items, items->next)));
    }
  }

  queue_core core_;
  [[no_unique_address]] Store store_;
};

// First in, first out.
template <class T>
class queue : public basic_queue<T, queue_line<T, queue_order::first_in>> {
 public:
  using basic_queue<T, queue_line<T, queue_order::first_in>>::basic_queue;
};

// Last in, first out. One that waits gets what is the youngest when it goes on.
template <class T>
class lifo_queue : public basic_queue<T, queue_line<T, queue_order::last_in>> {
 public:
  using basic_queue<T, queue_line<T, queue_order::last_in>>::basic_queue;
};

// The least first, and of equal ones the oldest. One that waits gets what is the least when it goes
// on.
//
//     coir::priority_queue<job, sooner> todo{100};            // sooner()(a, b): a comes first
//     coir::priority_queue<job, decltype(f)> other{100, f};
//
// Comparing is done under a coir::mutex, so that put and get may wait for another's comparison, the
// try_ forms and shutdown(true) too; a comparison that uses the queue itself throws
// std::system_error (resource_deadlock_would_occur). One that throws out of a get leaves all items
// in the queue.
template <class T, class Compare = std::less<T>>
class priority_queue : public basic_queue<T, queue_heap<T, Compare>> {
 public:
  using basic_queue<T, queue_heap<T, Compare>>::basic_queue;
};

}  // namespace v1
}  // namespace coir
