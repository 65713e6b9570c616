// thread.hpp - fibers under the names of the standard's threads.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/spawn.hpp>
#include <coir/stop_token.hpp>
#include <coir/task.hpp>
#include <coir/this_fiber.hpp>

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// std::thread, but a fiber: of the caller's runtime, or of default_runtime() where it has none.
//
//     coir::thread worker(consume, std::ref(queue));
//     worker.join();
//
// Blocking   join() suspends the fiber, or blocks the plain thread, that calls it.
// Cancelled  `cancelled` that leaves its function ends it quietly, any other exception terminates.
//            Who is cancelled in join() cancels it, and has joined it when that throws.
// Lifetime   destroyed or assigned to while joinable: std::terminate, after a sentence on stderr.
// Throws     what std::thread throws: std::system_error (resource_unavailable_try_again,
//            invalid_argument, resource_deadlock_would_occur).
class thread {
 public:
  using id = fiber_id;
  using native_handle_type = fiber*;

  thread() noexcept = default;
  template <class F, class... Args>
  requires(!std::is_same_v<std::remove_cvref_t<F>, thread>) explicit thread(F&& f, Args&&... args) {
    static_assert(std::is_constructible_v<std::decay_t<F>, F> &&
                  (std::is_constructible_v<std::decay_t<Args>, Args> && ...));
    static_assert(std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>);
    start([&] {
      return coir::spawn(
          [](auto&& body, auto&&... each) noexcept {
            try {
              static_cast<void>(std::invoke(std::move(body), std::move(each)...));
            } catch (const cancelled&) {
            } catch (...) {
              terminate_uncaught();
            }
          },
          std::forward<F>(f), std::forward<Args>(args)...);
    });
  }
  thread(const thread&) = delete;
  thread& operator=(const thread&) = delete;
  thread(thread&& other) noexcept { swap(other); }
  thread& operator=(thread&& other) noexcept {
    if (joinable()) terminate_joinable("is assigned to");
    fiber_ = std::exchange(other.fiber_, any_task());
    return *this;
  }
  ~thread() {
    if (joinable()) terminate_joinable("is destroyed");
  }

  void swap(thread& other) noexcept { std::swap(fiber_, other.fiber_); }
  friend void swap(thread& a, thread& b) noexcept { a.swap(b); }

  [[nodiscard]] bool joinable() const noexcept { return fiber_ != any_task(); }
  void join();
  void detach();

  [[nodiscard]] id get_id() const noexcept { return joinable() ? id(fiber_.target().id) : id(); }
  [[nodiscard]] native_handle_type native_handle() {
    return joinable() ? &fiber_.target() : nullptr;
  }
  [[nodiscard]] static unsigned int hardware_concurrency() noexcept;

 private:
  template <class Spawn>
  void start(Spawn spawn) {
    try {
      fiber_ = spawn();
    } catch (const std::bad_alloc&) {
      refuse_to_start();
    }
  }
  [[noreturn]] static void refuse_to_start();
  [[noreturn]] static void terminate_uncaught() noexcept;
  [[noreturn]] void terminate_joinable(const char* when) noexcept;

  any_task fiber_;
};

// std::jthread.
class jthread {
 public:
  using id = thread::id;
  using native_handle_type = thread::native_handle_type;

  jthread() noexcept : stop_(nostopstate) {}
  template <class F, class... Args>
  requires(!std::is_same_v<std::remove_cvref_t<F>, jthread>) explicit jthread(F&& f, Args&&... args)
      : thread_(start(stop_, std::forward<F>(f), std::forward<Args>(args)...)) {}
  jthread(const jthread&) = delete;
  jthread& operator=(const jthread&) = delete;
  jthread(jthread&&) noexcept = default;
  jthread& operator=(jthread&& other) noexcept {
    jthread(std::move(other)).swap(*this);
    return *this;
  }
  ~jthread() {
    if (joinable()) end();
  }

  void swap(jthread& other) noexcept {
    std::swap(stop_, other.stop_);
    std::swap(thread_, other.thread_);
  }
  friend void swap(jthread& a, jthread& b) noexcept { a.swap(b); }

  [[nodiscard]] bool joinable() const noexcept { return thread_.joinable(); }
  void join() { thread_.join(); }
  void detach() { thread_.detach(); }
  [[nodiscard]] id get_id() const noexcept { return thread_.get_id(); }
  [[nodiscard]] native_handle_type native_handle() { return thread_.native_handle(); }

  [[nodiscard]] stop_source get_stop_source() noexcept { return stop_; }
  [[nodiscard]] stop_token get_stop_token() const noexcept { return stop_.get_token(); }
  bool request_stop() noexcept { return stop_.request_stop(); }

  [[nodiscard]] static unsigned int hardware_concurrency() noexcept {
    return thread::hardware_concurrency();
  }

 private:
  template <class F, class... Args>
  static thread start(const stop_source& stop, F&& f, Args&&... args) {
    if constexpr (std::is_invocable_v<std::decay_t<F>, stop_token, std::decay_t<Args>...>) {
      return thread(std::forward<F>(f), stop.get_token(), std::forward<Args>(args)...);
    } else if constexpr (takes_token_second<std::decay_t<F>, std::decay_t<Args>...>()) {
      return start_member(stop, std::forward<F>(f), std::forward<Args>(args)...);
    } else {
      return thread(std::forward<F>(f), std::forward<Args>(args)...);
    }
  }
  // A pointer to a member function that takes the token before its arguments: the object is first,
  // and the token follows. The standard library of GNU does so; the standard says no word of it.
  template <class F, class... Args>
  static constexpr bool takes_token_second() {
    if constexpr (std::is_member_function_pointer_v<F> && sizeof...(Args) != 0) {
      return []<class Object, class... Rest>(std::type_identity<std::tuple<Object, Rest...>>) {
        return std::is_invocable_v<F, Object, stop_token, Rest...>;
      }(std::type_identity<std::tuple<Args...>>());
    } else {
      return false;
    }
  }
  template <class F, class Object, class... Args>
  static thread start_member(const stop_source& stop, F&& f, Object&& object, Args&&... args) {
    return thread(std::forward<F>(f), std::forward<Object>(object), stop.get_token(),
                  std::forward<Args>(args)...);
  }
  // Asks it to stop and joins it; no cancellation point.
  void end() noexcept;

  stop_source stop_;
  thread thread_;
};

// std::this_thread, of the running fiber or plain thread.
namespace this_thread {
using this_fiber::get_id;
using this_fiber::sleep_for;
using this_fiber::sleep_until;
using this_fiber::yield;
}  // namespace this_thread

}  // namespace v1
}  // namespace coir
