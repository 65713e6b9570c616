// future_state.hpp - what a promise and its futures share.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/deadline.hpp>
#include <coir/event.hpp>
#include <coir/outcome.hpp>
#include <coir/task.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

using std::future_category;
using std::future_errc;
using std::future_error;
using std::future_status;
using std::launch;

// Engine level. One word says how far it is:
//
//     empty --> claimed --> ready      by who sets a value or exception: the first one
//     deferred --> claimed --> ready   by who waits first, and calls the function
class future_state {
 public:
  future_state(const future_state&) = delete;
  future_state& operator=(const future_state&) = delete;

  void retain() noexcept {
    // Relaxed: the caller has one.
    owners_.fetch_add(1, std::memory_order_relaxed);
  }
  // The last one waits for the end of the fiber that async() made for it.
  void release() noexcept {
    // Acquire and release: the last one sees what the others did.
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) end();
  }

  bool is_ready() const noexcept { return ready_.is_set(); }
  bool is_deferred() const noexcept {
    // Relaxed: who calls the function claims it first.
    return stage_.load(std::memory_order_relaxed) == stage::deferred;
  }

  // For who is to set the result: throws std::future_error (promise_already_satisfied) where
  // another was first.
  void claim();
  bool try_claim() noexcept;
  void unclaim() noexcept {
    // Release: pairs with the acquire in try_claim().
    stage_.store(stage::empty, std::memory_order_release);
  }
  // After that, and after the result was stored.
  void publish() noexcept { ready_.set(); }
  void publish_at_thread_exit();
  void fail(std::exception_ptr failure) noexcept {
    failure_ = std::move(failure);
    publish();
  }
  void fail_at_thread_exit(std::exception_ptr failure) {
    failure_ = std::move(failure);
    publish_at_thread_exit();
  }

  // Waits; calls a deferred function.
  void wait();
  future_status wait_deadline(deadline until);
  // The same, and throws what it failed with.
  void await() {
    wait();
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

  // Of a future: once only.
  void hand_out();

  void join_at_end(any_task producer) noexcept { producer_ = std::move(producer); }

 protected:
  enum class stage : std::uint32_t { empty, deferred, claimed };

  explicit future_state(stage first = stage::empty) noexcept : stage_(first) {}
  virtual ~future_state() = default;
  virtual void run_deferred() noexcept {}  // and publishes
  virtual void destroy() noexcept { delete this; }

 private:
  void end() noexcept;

  std::atomic<std::uint64_t> owners_{1};
  std::atomic<stage> stage_;
  std::atomic<bool> handed_out_{false};
  event ready_;
  std::exception_ptr failure_;  // written before ready_ is set
  any_task producer_;           // of async()
};

// The result itself: as kept_result says.
template <class R>
class future_value : public future_state {
 public:
  using future_state::future_state;

  // Throws future_error where another was first, and what the value throws: then the state is as it
  // was.
  template <class... Args>
  void store_claimed(Args&&... args) {
    claim();
    try {
      store(std::forward<Args>(args)...);
    } catch (...) {
      unclaim();
      throw;
    }
  }
  template <class... Args>
  void store(Args&&... args) {
    value_.emplace(std::forward<Args>(args)...);
  }
  kept_result<R>& value() noexcept { return *value_; }

  // Calls f and keeps what becomes of it, unpublished.
  template <class F>
  void store_result_of(F&& f) noexcept {
    try {
      if constexpr (std::is_void_v<R>) {
        std::forward<F>(f)();
        store();
      } else if constexpr (std::is_reference_v<R>) {
        store(std::addressof(std::forward<F>(f)()));
      } else {
        store(std::forward<F>(f)());
      }
    } catch (...) {
      unpublished_failure_ = std::current_exception();
    }
  }
  void publish_result() noexcept {
    if (unpublished_failure_ != nullptr) {
      fail(std::move(unpublished_failure_));
    } else {
      publish();
    }
  }
  void publish_result_at_thread_exit() {
    if (unpublished_failure_ != nullptr) {
      fail_at_thread_exit(std::move(unpublished_failure_));
    } else {
      publish_at_thread_exit();
    }
  }

 private:
  std::optional<kept_result<R>> value_;
  std::exception_ptr unpublished_failure_;
};

// One that came from an allocator, and goes back there.
template <class R, class Allocator>
class allocated_future_value final : public future_value<R> {
  using own_allocator =
      typename std::allocator_traits<Allocator>::template rebind_alloc<allocated_future_value>;
  using traits = std::allocator_traits<own_allocator>;

 public:
  static allocated_future_value* make(const Allocator& from) {
    own_allocator allocator(from);
    auto place = traits::allocate(allocator, 1);
    try {
      return ::new (std::to_address(place)) allocated_future_value(allocator);
    } catch (...) {
      traits::deallocate(allocator, place, 1);
      throw;
    }
  }

 private:
  explicit allocated_future_value(const own_allocator& allocator) : allocator_(allocator) {}
  ~allocated_future_value() override = default;
  void destroy() noexcept override {
    own_allocator allocator(std::move(allocator_));
    auto place = std::pointer_traits<typename traits::pointer>::pointer_to(*this);
    this->~allocated_future_value();
    traits::deallocate(allocator, place, 1);
  }

  own_allocator allocator_;
};

// A counted pointer to it.
template <class State>
class state_handle {
 public:
  state_handle() noexcept = default;
  explicit state_handle(State* taken_over) noexcept : state_(taken_over) {}
  state_handle(const state_handle& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->retain();
  }
  state_handle(state_handle&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  state_handle& operator=(state_handle other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~state_handle() {
    if (state_ != nullptr) state_->release();
  }

  explicit operator bool() const noexcept { return state_ != nullptr; }
  State* get() const noexcept { return state_; }
  State* operator->() const noexcept { return state_; }

  // Throws std::future_error (no_state) where there is none.
  State& checked() const {
    if (state_ == nullptr) throw future_error(future_errc::no_state);
    return *state_;
  }

 private:
  State* state_ = nullptr;
};

}  // namespace v1
}  // namespace coir
