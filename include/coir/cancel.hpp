// cancel.hpp - timeouts, and what may not be cancelled.
// SPDX-License-Identifier: BSL-1.0
// Budget: with_timeout() that does not expire costs a look at the clock and a timer that is set and
// taken back.
#pragma once

#include <coir/cancel_scope.hpp>
#include <coir/cancelled.hpp>
#include <coir/deadline.hpp>
#include <coir/spawn.hpp>
#include <coir/uncancellable.hpp>
#include <coir/wait.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// From its beginning to its end, or to a deadline that may be moved.
//
//     coir::timeout_scope t{500ms};
//     auto head = in.read_until('\n');     // all of it in half a second, or coir::timed_out
//     t.reschedule(10s);
//     auto body = in.read_exactly(n);
//
// When the deadline comes the wait that is under way, or the next one, throws timed_out, once. A
// wait that has succeeded returns normally; what is not waiting is not disturbed. A scope of zero
// or less has expired from the beginning: the first wait throws, before it has any effect.
//
// Nested     the inner expiry is the inner one's. Where an outer scope expires, timed_out is thrown
//            as well, and an inner handler may take it for its own: expired() tells; the outer one
//            is told again at the next wait. with_timeout() keeps the two apart.
// Lifetime   a local variable of a fiber. On a plain thread: std::logic_error.
class timeout_scope {
 public:
  // Without a deadline, for now.
  timeout_scope() : scope_(cancel_scope::kind::throws_timed_out) {}
  template <class Rep, class Period>
  explicit timeout_scope(const std::chrono::duration<Rep, Period>& duration) : timeout_scope() {
    scope_.set_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  explicit timeout_scope(const std::chrono::time_point<Clock, Duration>& time) : timeout_scope() {
    scope_.set_deadline(deadline::at(time));
  }

  // From now on. Throws std::logic_error where it has expired.
  template <class Rep, class Period>
  void reschedule(const std::chrono::duration<Rep, Period>& duration) {
    scope_.set_deadline(deadline::after(duration));
  }
  template <class Clock, class Duration>
  void reschedule(const std::chrono::time_point<Clock, Duration>& time) {
    scope_.set_deadline(deadline::at(time));
  }

  bool expired() const noexcept { return scope_.expired(); }

 private:
  cancel_scope scope_;
};

template <class F>
std::invoke_result_t<F> with_deadline(deadline until, F&& f);

// On a plain thread, which has no scopes: f is called by a fiber of the default runtime.
template <class F>
[[gnu::noinline, gnu::cold]] std::invoke_result_t<F> with_deadline_on_fiber(deadline until, F&& f) {
  using result = std::invoke_result_t<F>;
  if constexpr (std::is_reference_v<result>) {
    std::remove_reference_t<result>* found = nullptr;
    spawn([&] {
      auto&& named = with_deadline(until, std::forward<F>(f));
      found = std::addressof(named);
    }).get();
    return static_cast<result>(*found);
  } else {
    return spawn([&] { return with_deadline(until, std::forward<F>(f)); }).get();
  }
}

template <class F>
std::invoke_result_t<F> with_deadline(deadline until, F&& f) {
  if (current_worker() == nullptr) [[unlikely]]
    return with_deadline_on_fiber(until, std::forward<F>(f));
  {
    cancel_scope scope(cancel_scope::kind::throws_scope_cancelled);
    scope.set_deadline(until);
    try {
      return std::invoke(std::forward<F>(f));
    } catch (const scope_cancelled& c) {
      if (&c.scope() != &scope) throw;
    }
  }
  // With the scope closed, so that this is not taken for an outer one's that passes by.
  throw timed_out();
}

// Calls f and returns what it returns; throws timed_out if that takes longer.
//
//     auto page = coir::with_timeout(2s, [&] { return fetch(url); });
//
// f is told by a cancellation at its next wait, as by task::cancel(), and its end is waited for:
// what it has begun it may finish, and if it returns normally after all, that is the result. An
// outer timeout or a cancellation passes through an inner one unchanged. On a plain thread f is
// called by a fiber of the default runtime, which the thread waits for.
//
// Throws  timed_out; what f throws.
template <class Rep, class Period, class F>
std::invoke_result_t<F> with_timeout(const std::chrono::duration<Rep, Period>& duration, F&& f) {
  return with_deadline(deadline::after(duration), std::forward<F>(f));
}
template <class Clock, class Duration, class F>
std::invoke_result_t<F> with_timeout(const std::chrono::time_point<Clock, Duration>& time, F&& f) {
  return with_deadline(deadline::at(time), std::forward<F>(f));
}

}  // namespace v1
}  // namespace coir
