// await.hpp - C++20 coroutines and fibers wait for each other.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/event.hpp>
#include <coir/outcome.hpp>
#include <coir/spawn.hpp>
#include <coir/task.hpp>
#include <coir/uncancellable.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// What a coroutine waits by.
template <class T>
class task_awaiter {
 public:
  explicit task_awaiter(task<T> t) noexcept : task_(std::move(t)) {}

  bool await_ready() const { return task_.done(); }
  void await_suspend(std::coroutine_handle<> waiting) const {
    task_.on_done([waiting](const task<T>&) { waiting.resume(); });
  }
  // A copy of the result; what cannot be copied is moved out of the task.
  T await_resume() const {
    if (std::exception_ptr failure = task_.failure()) std::rethrow_exception(failure);
    return task_.collect();
  }

 private:
  task<T> task_;
};

// Any coroutine may wait for a task.
//
//     foreign_coroutine serve() { reply(co_await coir::spawn(look_up, key)); }
//
// The coroutine goes on as a fiber of the task's runtime. What it throws into that is reported as
// an exception nobody looked at.
template <class T>
task_awaiter<T> operator co_await(task<T> t) noexcept {
  return task_awaiter<T>(std::move(t));
}

// Engine level: a coroutine that says when it has ended, and is destroyed by who waits for that.
class awaiting_coroutine {
 public:
  struct promise_type {
    // Kept out of the frame, which may be destroyed as soon as it is set.
    template <class... Captured>
    explicit promise_type(event& ended, Captured&...) noexcept : ended_(ended) {}

    struct last_touch {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
        self.promise().ended_.set();
      }
      void await_resume() const noexcept {}
    };
    awaiting_coroutine get_return_object() noexcept {
      return awaiting_coroutine(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    last_touch final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }  // it catches everything

   private:
    event& ended_;
  };

  awaiting_coroutine(const awaiting_coroutine&) = delete;
  awaiting_coroutine& operator=(const awaiting_coroutine&) = delete;
  ~awaiting_coroutine() { self_.destroy(); }

 private:
  explicit awaiting_coroutine(std::coroutine_handle<promise_type> self) noexcept : self_(self) {}
  std::coroutine_handle<promise_type> self_;
};

template <class Awaitable>
decltype(auto) awaiter_of(Awaitable&& a) {
  if constexpr (requires { std::forward<Awaitable>(a).operator co_await(); }) {
    return std::forward<Awaitable>(a).operator co_await();
  } else if constexpr (requires { operator co_await(std::forward<Awaitable>(a)); }) {
    return operator co_await(std::forward<Awaitable>(a));
  } else {
    return std::forward<Awaitable>(a);
  }
}

template <class Awaitable>
using await_result_t = decltype(awaiter_of(std::declval<Awaitable>()).await_resume());

template <class Awaitable, class Result>
awaiting_coroutine run_awaiting(event&, Awaitable& a, std::optional<kept_result<Result>>& result,
                                std::exception_ptr& failure) {
  try {
    auto&& awaiter = awaiter_of(std::forward<Awaitable>(a));  // g++ 12 copies what has no name
    if constexpr (std::is_void_v<Result>) {
      co_await awaiter;
    } else if constexpr (std::is_reference_v<Result>) {
      auto&& place = co_await awaiter;  // an rvalue has no address
      result.emplace(std::addressof(place));
    } else {
      result.emplace(co_await awaiter);
    }
  } catch (...) {
    failure = std::current_exception();
  }
}

// A fiber, or a plain thread, waits for anything that a coroutine can co_await.
//
//     std::string body = coir::await(client.get(url));   // some library's awaitable
//
// Blocking   suspends the fiber, or blocks the plain thread, until it is resumed.
// Cancelled  a foreign awaitable cannot be called off: the wait goes on to its end, and a request
//            to end stays for the next cancellation point.
// Throws     what the awaitable throws; std::bad_alloc.
template <class Awaitable>
await_result_t<Awaitable&&> await(Awaitable&& a) {
  using result = await_result_t<Awaitable&&>;
  std::optional<kept_result<result>> value;
  std::exception_ptr failure;
  event ended;
  {
    uncancellable until_it_has_ended;
    auto running = run_awaiting<Awaitable&&, result>(ended, a, value, failure);
    ended.wait();
  }
  if (failure != nullptr) std::rethrow_exception(failure);
  if constexpr (std::is_reference_v<result>) {
    return static_cast<result>(**value);
  } else if constexpr (!std::is_void_v<result>) {
    return *std::move(value);
  }
}

}  // namespace v1
}  // namespace coir
