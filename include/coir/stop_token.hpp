// stop_token.hpp - asking something to stop, and hearing of it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/spinlock.hpp>
#include <coir/wait_list.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

using std::nostopstate;
using std::nostopstate_t;

// Engine level: a function to be called by who asks to stop.
class stop_listener {
 public:
  stop_listener(const stop_listener&) = delete;
  stop_listener& operator=(const stop_listener&) = delete;

 protected:
  explicit stop_listener(void (*call)(stop_listener&) noexcept) noexcept : call_(call) {}
  ~stop_listener() = default;

 private:
  friend class stop_state;

  void (*const call_)(stop_listener&) noexcept;
  // -- under the lock of the state
  bool listed_ = false;
  bool* gone_ = nullptr;  // while it is called: told when it is destroyed meanwhile
  stop_listener* next_ = nullptr;
  stop_listener* previous_ = nullptr;
};

// Engine level: what sources, tokens and callbacks share. Goes with the last of them.
class stop_state {
 public:
  stop_state() = default;
  stop_state(const stop_state&) = delete;
  stop_state& operator=(const stop_state&) = delete;

  void retain() noexcept {
    // Relaxed: the caller has one.
    owners_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept {
    // Acquire and release: the last one sees what the others did.
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  void add_source() noexcept {
    // Relaxed: the caller is a source.
    sources_.fetch_add(1, std::memory_order_relaxed);
  }
  void drop_source() noexcept {
    // Release: pairs with the acquire in possible().
    sources_.fetch_sub(1, std::memory_order_release);
  }

  bool requested() const noexcept {
    // Acquire: pairs with the release in request().
    return requested_.load(std::memory_order_acquire);
  }
  bool possible() const noexcept {
    // Acquire: pairs with the release in drop_source(): a request of the last source is seen.
    return requested() || sources_.load(std::memory_order_acquire) != 0 || requested();
  }

  // Calls the listeners; false where somebody has asked before.
  bool request() noexcept;

  // False where a stop was requested: it is not listed, and to be called at once.
  bool enter(stop_listener& l) noexcept;
  // Waits while another fiber or thread calls it.
  void leave(stop_listener& l) noexcept;

 private:
  ~stop_state() = default;

  std::atomic<std::uint64_t> owners_{1};
  std::atomic<std::uint64_t> sources_{1};
  std::atomic<bool> requested_{false};
  spinlock lock_;  // guards what follows
  stop_listener* first_ = nullptr;
  stop_listener* running_ = nullptr;
  std::uintptr_t caller_ = 0;  // the fiber or thread that calls it
  wait_list waiters_;          // for its end
};

// std::stop_token.
class stop_token {
 public:
  stop_token() noexcept = default;
  stop_token(const stop_token& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->retain();
  }
  stop_token(stop_token&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  stop_token& operator=(const stop_token& other) noexcept {
    stop_token(other).swap(*this);
    return *this;
  }
  stop_token& operator=(stop_token&& other) noexcept {
    stop_token(std::move(other)).swap(*this);
    return *this;
  }
  ~stop_token() {
    if (state_ != nullptr) state_->release();
  }

  void swap(stop_token& other) noexcept { std::swap(state_, other.state_); }
  friend void swap(stop_token& a, stop_token& b) noexcept { a.swap(b); }

  [[nodiscard]] bool stop_requested() const noexcept {
    return state_ != nullptr && state_->requested();
  }
  [[nodiscard]] bool stop_possible() const noexcept {
    return state_ != nullptr && state_->possible();
  }
  [[nodiscard]] friend bool operator==(const stop_token& a, const stop_token& b) noexcept {
    return a.state_ == b.state_;
  }

 private:
  friend class stop_source;
  template <class Callback>
  friend class stop_callback;
  // Takes over a reference.
  explicit stop_token(stop_state* state) noexcept : state_(state) {}

  stop_state* state_ = nullptr;
};

// std::stop_source.
class stop_source {
 public:
  stop_source() : state_(new stop_state) {}
  explicit stop_source(nostopstate_t) noexcept {}
  stop_source(const stop_source& other) noexcept : state_(other.state_) {
    if (state_ == nullptr) return;
    state_->retain();
    state_->add_source();
  }
  stop_source(stop_source&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  stop_source& operator=(const stop_source& other) noexcept {
    stop_source(other).swap(*this);
    return *this;
  }
  stop_source& operator=(stop_source&& other) noexcept {
    stop_source(std::move(other)).swap(*this);
    return *this;
  }
  ~stop_source() {
    if (state_ == nullptr) return;
    state_->drop_source();
    state_->release();
  }

  void swap(stop_source& other) noexcept { std::swap(state_, other.state_); }
  friend void swap(stop_source& a, stop_source& b) noexcept { a.swap(b); }

  [[nodiscard]] stop_token get_token() const noexcept {
    if (state_ != nullptr) state_->retain();
    return stop_token(state_);
  }
  [[nodiscard]] bool stop_possible() const noexcept { return state_ != nullptr; }
  [[nodiscard]] bool stop_requested() const noexcept {
    return state_ != nullptr && state_->requested();
  }

  // Calls the callbacks, on the caller's stack; they may wait.
  bool request_stop() noexcept { return state_ != nullptr && state_->request(); }

  [[nodiscard]] friend bool operator==(const stop_source& a, const stop_source& b) noexcept {
    return a.state_ == b.state_;
  }

 private:
  stop_state* state_ = nullptr;
};

// std::stop_callback. Which fiber or thread a callback runs on decides whether the destructor waits
// for its end: the standard's own asks for the OS thread, which two fibers may share.
//
// Blocking  the destructor suspends the fiber, or blocks the plain thread, while another calls it.
template <class Callback>
class [[nodiscard]] stop_callback : private stop_listener {
  static_assert(std::invocable<Callback> && std::destructible<Callback>);

 public:
  using callback_type = Callback;

  template <class C>
  requires(std::constructible_from<Callback, C>) explicit stop_callback(
      const stop_token& token, C&& callback) noexcept(std::is_nothrow_constructible_v<Callback, C>)
      : stop_callback(stop_token(token), std::forward<C>(callback)) {}
  template <class C>
  requires(std::constructible_from<Callback, C>) explicit stop_callback(
      stop_token&& token, C&& callback) noexcept(std::is_nothrow_constructible_v<Callback, C>)
      : stop_listener(&call), callback_(std::forward<C>(callback)), state_(token.state_) {
    if (state_ == nullptr) return;
    if (state_->enter(*this)) {
      token.state_ = nullptr;  // taken over
    } else {
      state_ = nullptr;
      call(*this);
    }
  }
  ~stop_callback() {
    if (state_ == nullptr) return;
    state_->leave(*this);
    state_->release();
  }

 private:
  static void call(stop_listener& self) noexcept {
    std::forward<Callback>(static_cast<stop_callback&>(self).callback_)();
  }

  Callback callback_;
  stop_state* state_;
};
template <class Callback>
stop_callback(stop_token, Callback) -> stop_callback<Callback>;

// Ours or the standard's.
template <class Token>
concept stop_token_like = std::same_as<Token, stop_token> || std::same_as<Token, std::stop_token>;

// A callback of the kind that goes with the token.
template <class F>
stop_callback<F> call_on_stop(const stop_token& token, F f) {
  return stop_callback<F>(token, std::move(f));
}
template <class F>
std::stop_callback<F> call_on_stop(const std::stop_token& token, F f) {
  return std::stop_callback<F>(token, std::move(f));
}

}  // namespace v1
}  // namespace coir
