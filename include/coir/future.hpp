// future.hpp - results that come later: the standard's futures, for fibers and plain threads.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/future_state.hpp>
#include <coir/packaged_task.hpp>
#include <coir/promise.hpp>
#include <coir/spawn.hpp>

#include <chrono>
#include <functional>
#include <new>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// The call of async(launch::deferred).
template <class R, class F, class... Args>
class deferred_value final : public future_value<R> {
 public:
  template <class G, class... Given>
  explicit deferred_value(G&& f, Given&&... args)
      : future_value<R>(future_state::stage::deferred),
        call_(std::forward<G>(f), std::forward<Given>(args)...) {}

 private:
  void run_deferred() noexcept override {
    auto call = [this]() -> R {
      return std::apply(
          [](F& f, Args&... each) -> R { return std::invoke(std::move(f), std::move(each)...); },
          call_);
    };
    this->store_result_of(call);
    this->publish_result();
  }
  std::tuple<F, Args...> call_;
};

// Of the fiber that async() makes: what it owes its future. The future waits for the end of the
// fiber, so the state is there.
template <class R>
class async_duty {
 public:
  explicit async_duty(future_value<R>& to) noexcept : to_(&to) {}
  async_duty(async_duty&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
  async_duty& operator=(async_duty&&) = delete;
  // Where the fiber was never begun.
  ~async_duty() {
    if (to_ != nullptr)
      to_->fail(std::make_exception_ptr(future_error(future_errc::broken_promise)));
  }

  template <class F>
  void do_it(F& f) noexcept {
    future_value<R>& to = *std::exchange(to_, nullptr);
    to.store_result_of(f);
    to.publish_result();
  }

 private:
  future_value<R>* to_;
};

// std::async. By launch::async, the default, f runs as a fiber of the caller's runtime, or of
// default_runtime(); by launch::deferred it runs on the stack of who first waits.
//
// Blocking  the last future of an asynchronous call waits, when it goes, for the end of the call.
template <class F, class... Args>
[[nodiscard]] auto async(launch policy, F&& f, Args&&... args) {
  using result = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;
  using handle = state_handle<future_value<result>>;
  if ((policy & launch::async) == launch{})
    return future<result>(handle(new deferred_value<result, std::decay_t<F>, std::decay_t<Args>...>(
        std::forward<F>(f), std::forward<Args>(args)...)));
  handle state(new future_value<result>);
  static_cast<void>(state->try_claim());
  try {
    state->join_at_end(coir::spawn(
        [duty = async_duty<result>(*state.get())](auto&& own, auto&&... each) mutable {
          auto call = [&]() -> result {
            return std::invoke(std::forward<decltype(own)>(own),
                               std::forward<decltype(each)>(each)...);
          };
          duty.do_it(call);
        },
        std::forward<F>(f), std::forward<Args>(args)...));
  } catch (const std::bad_alloc&) {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "coir: no memory for an asynchronous call");
  }
  return future<result>(std::move(state));
}
template <class F, class... Args>
requires(!std::is_same_v<std::decay_t<F>, launch>) [[nodiscard]] auto async(F&& f, Args&&... args) {
  return coir::async(launch::async | launch::deferred, std::forward<F>(f),
                     std::forward<Args>(args)...);
}

}  // namespace v1
}  // namespace coir
