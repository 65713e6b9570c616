// promise.hpp - the two ends of a result that comes later, and tasks in a package.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/future_state.hpp>
#include <coir/try_until.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

template <class R>
class future;
template <class R>
class shared_future;
template <class R>
class promise;
template <class Signature>
class packaged_task;

// What future and shared_future have in common.
//
// Blocking      get() and wait() suspend the fiber, or block the plain thread, that calls them.
// Cancellation  they are cancellation points, and nothing else is changed by that.
// Throws        std::future_error (no_state) where there is no state; what the promise was given.
template <class R>
class future_base {
 public:
  [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(state_); }
  void wait() const { state_.checked().wait(); }
  template <class Rep, class Period>
  future_status wait_for(const std::chrono::duration<Rep, Period>& duration) const {
    return state_.checked().wait_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  future_status wait_until(const std::chrono::time_point<Clock, Duration>& time) const {
    future_status status = future_status::timeout;
    static_cast<void>(try_until(time, [&](deadline until) {
      status = state_.checked().wait_deadline(until);
      return status != future_status::timeout;
    }));
    return status;
  }

 protected:
  using handle = state_handle<future_value<R>>;

  future_base() noexcept = default;
  explicit future_base(handle state) noexcept : state_(std::move(state)) {}

  handle state_;
};

// std::future.
template <class R>
class future : public future_base<R> {
  using typename future_base<R>::handle;

 public:
  future() noexcept = default;
  future(future&& other) noexcept : future_base<R>(std::exchange(other.state_, handle())) {}
  future& operator=(future&& other) noexcept {
    this->state_ = std::exchange(other.state_, handle());
    return *this;
  }

  R get() {
    this->wait();  // the state stays where that is cancelled
    handle state = std::exchange(this->state_, handle());
    state->await();
    if constexpr (std::is_reference_v<R>) {
      return *state->value();
    } else if constexpr (!std::is_void_v<R>) {
      return std::move(state->value());
    }
  }
  shared_future<R> share() noexcept { return shared_future<R>(std::move(*this)); }

  // Engine level.
  explicit future(handle state) noexcept : future_base<R>(std::move(state)) {}

 private:
  friend shared_future<R>;
};

// std::shared_future.
template <class R>
class shared_future : public future_base<R> {
  using typename future_base<R>::handle;

 public:
  shared_future() noexcept = default;
  shared_future(const shared_future&) noexcept = default;
  shared_future(shared_future&&) noexcept = default;
  shared_future(future<R>&& other) noexcept
      : future_base<R>(std::exchange(other.state_, handle())) {}
  shared_future& operator=(const shared_future&) noexcept = default;
  shared_future& operator=(shared_future&&) noexcept = default;

  decltype(auto) get() const {
    this->state_.checked().await();
    if constexpr (std::is_reference_v<R>) {
      return static_cast<R>(*this->state_->value());
    } else if constexpr (!std::is_void_v<R>) {
      return static_cast<const R&>(this->state_->value());
    }
  }
};

// What all promises have, whatever their result.
template <class R>
class promise_base {
 public:
  promise_base() : state_(new future_value<R>) {}
  template <class Allocator>
  promise_base(std::allocator_arg_t, const Allocator& from)
      : state_(allocated_future_value<R, Allocator>::make(from)) {}
  // Moved, whatever the allocator: the state keeps its own.
  template <class Allocator>
  promise_base(std::allocator_arg_t, const Allocator&, promise_base&& other) noexcept
      : promise_base(std::move(other)) {}
  promise_base(promise_base&& other) noexcept : state_(std::exchange(other.state_, handle())) {}
  promise_base& operator=(promise_base&& other) noexcept {
    promise_base(std::move(other)).swap(*this);
    return *this;
  }
  ~promise_base() {
    if (state_ && state_->try_claim())
      state_->fail(std::make_exception_ptr(future_error(future_errc::broken_promise)));
  }
  void swap(promise_base& other) noexcept { std::swap(state_, other.state_); }

  void set_exception(std::exception_ptr failure) {
    state_.checked().claim();
    state_->fail(std::move(failure));
  }
  void set_exception_at_thread_exit(std::exception_ptr failure) {
    state_.checked().claim();
    state_->fail_at_thread_exit(std::move(failure));
  }

 protected:
  using handle = state_handle<future_value<R>>;

  template <class... Args>
  void store(Args&&... args) {
    state_.checked().store_claimed(std::forward<Args>(args)...);
    state_->publish();
  }
  template <class... Args>
  void store_at_thread_exit(Args&&... args) {
    state_.checked().store_claimed(std::forward<Args>(args)...);
    state_->publish_at_thread_exit();
  }

  handle state_;
};

// std::promise.
template <class R>
class promise : public promise_base<R> {
 public:
  using promise_base<R>::promise_base;
  promise() = default;
  promise(promise&&) noexcept = default;
  promise& operator=(promise&&) noexcept = default;
  void swap(promise& other) noexcept { promise_base<R>::swap(other); }

  [[nodiscard]] future<R> get_future() {
    this->state_.checked().hand_out();
    return future<R>(this->state_);
  }
  void set_value(const R& value) { this->store(value); }
  void set_value(R&& value) { this->store(std::move(value)); }
  void set_value_at_thread_exit(const R& value) { this->store_at_thread_exit(value); }
  void set_value_at_thread_exit(R&& value) { this->store_at_thread_exit(std::move(value)); }
};

template <class R>
class promise<R&> : public promise_base<R&> {
 public:
  using promise_base<R&>::promise_base;
  promise() = default;
  promise(promise&&) noexcept = default;
  promise& operator=(promise&&) noexcept = default;
  void swap(promise& other) noexcept { promise_base<R&>::swap(other); }

  [[nodiscard]] future<R&> get_future() {
    this->state_.checked().hand_out();
    return future<R&>(this->state_);
  }
  void set_value(R& value) { this->store(std::addressof(value)); }
  void set_value_at_thread_exit(R& value) { this->store_at_thread_exit(std::addressof(value)); }
};

template <>
class promise<void> : public promise_base<void> {
 public:
  using promise_base<void>::promise_base;
  promise() = default;
  promise(promise&&) noexcept = default;
  promise& operator=(promise&&) noexcept = default;
  void swap(promise& other) noexcept { promise_base<void>::swap(other); }

  [[nodiscard]] future<void> get_future() {
    state_.checked().hand_out();
    return future<void>(state_);
  }
  void set_value() { store(); }
  void set_value_at_thread_exit() { store_at_thread_exit(); }
};

template <class R>
void swap(promise<R>& a, promise<R>& b) noexcept {
  a.swap(b);
}

}  // namespace v1
}  // namespace coir

template <class R, class Allocator>
struct std::uses_allocator<coir::promise<R>, Allocator> : std::true_type {};
