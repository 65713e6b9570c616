// packaged_task.hpp - a function whose result goes to a future.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/future_state.hpp>
#include <coir/promise.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// std::packaged_task.
template <class R, class... Args>
class packaged_task<R(Args...)> {
 public:
  packaged_task() noexcept = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, packaged_task> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>) explicit packaged_task(F&& f)
      : function_(std::make_unique<function_of<std::decay_t<F>>>(std::forward<F>(f))),
        state_(new future_value<R>) {}
  // The function comes from the heap, the state from the allocator.
  template <class F, class Allocator>
  requires(!std::is_same_v<std::remove_cvref_t<F>, packaged_task>)
      packaged_task(std::allocator_arg_t, const Allocator& from, F&& f)
      : function_(std::make_unique<function_of<std::decay_t<F>>>(std::forward<F>(f))),
        state_(allocated_future_value<R, Allocator>::make(from)) {}
  packaged_task(packaged_task&& other) noexcept { swap(other); }
  packaged_task& operator=(packaged_task&& other) noexcept {
    packaged_task(std::move(other)).swap(*this);
    return *this;
  }
  ~packaged_task() {
    if (state_ && state_->try_claim())
      state_->fail(std::make_exception_ptr(future_error(future_errc::broken_promise)));
  }

  void swap(packaged_task& other) noexcept {
    std::swap(function_, other.function_);
    std::swap(state_, other.state_);
  }
  friend void swap(packaged_task& a, packaged_task& b) noexcept { a.swap(b); }

  [[nodiscard]] bool valid() const noexcept { return function_ != nullptr; }
  [[nodiscard]] future<R> get_future() {
    state_.checked().hand_out();
    return future<R>(state_);
  }

  void operator()(Args... args) {
    run(std::forward<Args>(args)...);
    state_->publish_result();
  }
  void make_ready_at_thread_exit(Args... args) {
    run(std::forward<Args>(args)...);
    state_->publish_result_at_thread_exit();
  }

  // A new state for the same function; the old one is abandoned.
  void reset() {
    static_cast<void>(state_.checked());
    packaged_task fresh;
    fresh.state_ = handle(new future_value<R>);
    fresh.function_ = std::move(function_);
    swap(fresh);
  }

 private:
  using handle = state_handle<future_value<R>>;

  struct function {
    virtual ~function() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct function_of final : function {
    template <class G>
    explicit function_of(G&& g) : f(std::forward<G>(g)) {}
    R call(Args... args) override {
      if constexpr (std::is_void_v<R>) {
        static_cast<void>(std::invoke(f, std::forward<Args>(args)...));
      } else {
        return std::invoke(f, std::forward<Args>(args)...);
      }
    }
    F f;
  };

  void run(Args... args) {
    state_.checked().claim();
    auto call = [&]() -> R { return function_->call(std::forward<Args>(args)...); };
    state_->store_result_of(call);
  }

  std::unique_ptr<function> function_;
  handle state_;
};

template <class R, class... Args>
packaged_task(R (*)(Args...)) -> packaged_task<R(Args...)>;

// The signature of a callable that is not overloaded.
template <class Member>
struct signature_of;
template <class R, class F, bool Quiet, class... Args>
struct signature_of<R (F::*)(Args...) noexcept(Quiet)> {
  using type = R(Args...);
};
template <class R, class F, bool Quiet, class... Args>
struct signature_of<R (F::*)(Args...)& noexcept(Quiet)> {
  using type = R(Args...);
};
template <class R, class F, bool Quiet, class... Args>
struct signature_of<R (F::*)(Args...) const noexcept(Quiet)> {
  using type = R(Args...);
};
template <class R, class F, bool Quiet, class... Args>
struct signature_of<R (F::*)(Args...) const& noexcept(Quiet)> {
  using type = R(Args...);
};
template <class R, class F, bool Quiet, class... Args>
struct signature_of<R (F::*)(Args...) volatile noexcept(Quiet)> {
  using type = R(Args...);
};
template <class R, class F, bool Quiet, class... Args>
struct signature_of<R (F::*)(Args...) volatile& noexcept(Quiet)> {
  using type = R(Args...);
};
template <class R, class F, bool Quiet, class... Args>
struct signature_of<R (F::*)(Args...) const volatile noexcept(Quiet)> {
  using type = R(Args...);
};
template <class R, class F, bool Quiet, class... Args>
struct signature_of<R (F::*)(Args...) const volatile& noexcept(Quiet)> {
  using type = R(Args...);
};
template <class F>
packaged_task(F) -> packaged_task<typename signature_of<decltype(&F::operator())>::type>;

}  // namespace v1
}  // namespace coir
