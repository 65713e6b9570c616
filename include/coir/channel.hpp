// channel.hpp - values pass from those who send to those who receive.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/channel_closed.hpp>
#include <coir/channel_door.hpp>
#include <coir/channel_item.hpp>
#include <coir/channel_queue.hpp>
#include <coir/deadline.hpp>
#include <coir/receive_result.hpp>
#include <coir/try_until.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// A queue of values between fibers and threads of any kind, with room for `capacity` of them: with
// none, a sender waits until its value is received; coir::unbounded, it never waits.
//
//     coir::channel<int> ch{16};
//     auto producer = coir::spawn([&] {
//       for (int i = 0; i < 100; ++i) ch.send(i);
//       ch.close();
//     });
//     for (int i : ch) use(i);
//
// Blocking         send() while there is no room, receive() while there is nothing to receive: the
//                  fiber is suspended, a plain thread blocked. First come, first served.
// Memory ordering  what was done before a send is visible after the receive that got its value.
// Lifetime         outlives its operations; destroyed while somebody waits, the program aborts.
// What
//                  was not received is destroyed with it.
// Cancellation     send and receive, but for the try_ forms, are cancellation points. A send or
//                  receive that has succeeded returns, and the request waits for the next point.
// Cost             one lock and one move on each side of the buffer. Memory for the values is made
//                  with the channel; an unbounded one takes 1 KiB at a time.
// Throws           channel_closed, for a send once closed; a send that throws or returns false has
//                  not moved from its argument. cancelled; std::bad_alloc from an unbounded
//                  channel. std::invalid_argument for a capacity that is negative or beyond all
//                  memory.
//
// A T whose move may throw travels in a box on the heap. It is copied into the box if it can be,
// else moved, and moved back if the send fails. If it throws when a receiver takes it out, the
// receiver gets the exception and the value is the next to be received.
template <class T, class Door = shared_door>
class channel {
 public:
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a channel carries plain values");
  static_assert(std::is_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

  using value_type = T;

  channel() : queue_(0) {}
  template <std::integral Count>
  explicit channel(Count capacity) : queue_(checked(capacity)) {}

  // Waits while full.
  [[gnu::always_inline]] void send(const T& value) { send_by(value, deadline::never()); }
  [[gnu::always_inline]] void send(T&& value) { send_by(std::move(value), deadline::never()); }

  // Whether it got in: at once, in that time, by then.
  bool try_send(const T& value) { return try_to_send(value); }
  bool try_send(T&& value) { return try_to_send(std::move(value)); }
  template <class Rep, class Period>
  bool send_for(const T& value, const std::chrono::duration<Rep, Period>& duration) {
    return send_by(value, deadline::after(duration));
  }
  template <class Rep, class Period>
  bool send_for(T&& value, const std::chrono::duration<Rep, Period>& duration) {
    return send_by(std::move(value), deadline::after(duration));
  }
  template <class Clock, class Duration>
  bool send_until(const T& value, const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [&](deadline until) { return send_by(value, until); });
  }
  template <class Clock, class Duration>
  bool send_until(T&& value, const std::chrono::time_point<Clock, Duration>& time) {
    return try_until(time, [&](deadline until) { return send_by(std::move(value), until); });
  }

  // Waits while empty; nullopt once closed and drained.
  [[gnu::always_inline]] std::optional<T> receive() {
    std::optional<channel_item<T>> out;
    queue_.receive(out, deadline::never());
    if constexpr (boxed) {
      return open(out);
    } else {
      return out;
    }
  }

  // A value, or the reason why there is none: is_empty(), timed_out(), is_closed().
  receive_result<T> try_receive() {
    receive_result<T> out(receive_result<T>::reason::empty);
    if (try_receive_into(out.storage()) == channel_attempt::closed)
      out.set_reason(receive_result<T>::reason::closed);
    return out;
  }
  template <class Rep, class Period>
  receive_result<T> receive_for(const std::chrono::duration<Rep, Period>& duration) {
    receive_result<T> out(receive_result<T>::reason::timed_out);
    receive_by(out, deadline::after(duration));
    return out;
  }
  template <class Clock, class Duration>
  receive_result<T> receive_until(const std::chrono::time_point<Clock, Duration>& time) {
    receive_result<T> out(receive_result<T>::reason::timed_out);
    try_until(time, [&](deadline until) { return receive_by(out, until); });
    return out;
  }

  // No more will be sent. Who waits to send gets channel_closed, who waits to receive gets nullopt.
  // Idempotent.
  void close() { queue_.close(); }

  // What was true a moment ago.
  bool is_closed() const {
    return queue_.look([](const channel_state& s) { return s.closed; });
  }
  std::size_t size() const {
    return queue_.look([](const channel_state& s) { return s.buffer.size() + s.returned; });
  }
  bool empty() const { return size() == 0; }
  std::size_t capacity() const noexcept { return queue_.capacity(); }

  // for (T& value : channel): each value received, until closed and drained.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = T;

    iterator() = default;
    iterator(iterator&&) = default;
    iterator& operator=(iterator&&) = default;

    T& operator*() const noexcept { return *value_; }
    iterator& operator++() {
      value_.reset();
      advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
      return !i.value_.has_value();
    }

   private:
    friend channel;
    explicit iterator(channel& from) : from_(&from) { advance(); }
    void advance() { from_->receive_into(value_, deadline::never()); }

    channel* from_ = nullptr;
    mutable std::optional<T> value_;
  };

  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  // Engine level.
  channel_queue<channel_item<T>, Door>& queue() noexcept { return queue_; }

  // Engine level: opens what was received; what cannot be opened goes back.
  std::optional<T> open(std::optional<channel_item<T>>& box) {
    if (!box.has_value()) return std::nullopt;
    try {
      return std::optional<T>(std::move((*box)->value));
    } catch (...) {
      queue_.give_back(std::move(*box));
      throw;
    }
  }
  void open_into(std::optional<T>& out, std::optional<channel_item<T>>& box) {
    if (!box.has_value()) return;
    try {
      out.emplace(std::move((*box)->value));
    } catch (...) {
      queue_.give_back(std::move(*box));
      throw;
    }
  }

 private:
  static constexpr bool boxed = travels_in_box<T>;

  template <class Count>
  static std::size_t checked(Count capacity) {
    if (std::cmp_less(capacity, 0)) throw std::invalid_argument("channel: a negative capacity");
    return static_cast<std::size_t>(capacity);
  }

  template <class Value>
  [[gnu::always_inline]] bool send_by(Value&& value, deadline until) {
    outgoing<T, Value> out(std::forward<Value>(value));
    if constexpr (decltype(out)::lent) {
      return lend(out, value, [&] { return queue_.send(out.item(), until); });
    } else {
      return queue_.send(out.item(), until);
    }
  }

  template <class Value>
  bool try_to_send(Value&& value) {
    outgoing<T, Value> out(std::forward<Value>(value));
    if constexpr (decltype(out)::lent) {
      return lend(out, value, [&] { return queue_.try_send(out.item()); });
    } else {
      return queue_.try_send(out.item());
    }
  }

  template <class Send>
  static bool lend(outgoing<T, T>& out, T& value, Send&& send) {
    bool sent = false;
    try {
      sent = send();
    } catch (...) {
      out.recall(value);
      throw;
    }
    if (!sent) out.recall(value);
    return sent;
  }

  [[gnu::always_inline]] channel_attempt receive_into(std::optional<T>& out, deadline until) {
    if constexpr (boxed) {
      std::optional<channel_item<T>> box;
      channel_attempt result = queue_.receive(box, until);
      open_into(out, box);
      return result;
    } else {
      return queue_.receive(out, until);
    }
  }

  channel_attempt try_receive_into(std::optional<T>& out) {
    if constexpr (boxed) {
      std::optional<channel_item<T>> box;
      channel_attempt result = queue_.try_receive(box);
      open_into(out, box);
      return result;
    } else {
      return queue_.try_receive(out);
    }
  }

  // False when `until` has passed.
  bool receive_by(receive_result<T>& out, deadline until) {
    channel_attempt result = receive_into(out.storage(), until);
    if (result == channel_attempt::closed) out.set_reason(receive_result<T>::reason::closed);
    return result != channel_attempt::blocked;
  }

  // is_closed() and size() lock.
  mutable channel_queue<channel_item<T>, Door> queue_;
};

}  // namespace v1
}  // namespace coir
