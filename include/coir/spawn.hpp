// spawn.hpp - makes a fiber.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>
#include <coir/task.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

struct spawn_options {
  std::string name = {};
  std::size_t stack_size = 0;  // in bytes; 0: as the runtime's options say
  bool pinned = false;         // never changes its worker
  // Rounding, traps and flags (<cfenv>) are the fiber's own: it begins with those of its thread,
  // takes what it changes along wherever it goes on, and leaves the others theirs. Its switches
  // cost some hundred cycles more. Without it all fibers of a thread share the thread's.
  bool preserve_fenv = false;
};

// What a spawned fiber runs, and what it leaves.
template <class Result, class Closure>
class fiber_payload {
 public:
  static constexpr bool fits =
      sizeof(task_result<Result>) + sizeof(Closure) + alignof(Closure) <= fiber::inline_payload &&
      alignof(Closure) <= 16 && alignof(task_result<Result>) <= 16;

  // Puts it into the control block where it fits, else on the heap.
  template <class Make>
  static void emplace(fiber& f, Make&& make) {
    if constexpr (fits) {
      f.payload = ::new (f.inline_space) fiber_payload(std::forward<Make>(make));
    } else {
      f.payload = new fiber_payload(std::forward<Make>(make));
    }
    f.operations = &operations;
  }

 private:
  template <class Make>
  explicit fiber_payload(Make&& make) : closure_(make()) {}
  ~fiber_payload() {}

  static fiber_payload& of(fiber& f) noexcept { return *static_cast<fiber_payload*>(f.payload); }

  static void run(fiber& self) noexcept {
    fiber_payload& own = of(self);
    try {
      own.result_.fill(own.closure_);
    } catch (...) {
      keep_failure(self);
    }
    std::destroy_at(&own.closure_);
  }
  static void abandon(fiber& self) noexcept { std::destroy_at(&of(self).closure_); }
  static void destroy(fiber& self) noexcept {
    fiber_payload* own = &of(self);
    if constexpr (fits) {
      own->~fiber_payload();
    } else {
      delete own;
    }
  }

  static constexpr bool leaves_nothing =
      fits && std::is_trivially_destructible_v<task_result<Result>>;
  static constexpr fiber_operations operations{&run, &abandon, leaves_nothing ? nullptr : &destroy};

  task_result<Result> result_;  // first: task finds it by the payload's address
  union {
    Closure closure_;  // alive until the body has ended
  };
};

// The parts that know of no types. new_fiber() sets what the options say; launch_fiber() hands the
// fiber to the runtime of the caller, or to default_runtime() outside of any.
fiber& new_fiber(const spawn_options* options);
void launch_fiber(fiber& fresh, runtime_core* where);
void discard(fiber& fresh) noexcept;

template <class F, class... Args>
auto spawn_in(runtime_core* where, const spawn_options* options, F&& f, Args&&... args) {
  auto make = [&] {
    return [f = std::decay_t<F>(std::forward<F>(f)),
            bound = std::tuple<std::decay_t<Args>...>(
                std::forward<Args>(args)...)]() mutable -> decltype(auto) {
      return std::apply(
          [&](auto&... each) -> decltype(auto) {
            return std::invoke(std::move(f), std::move(each)...);
          },
          bound);
    };
  };
  using closure = decltype(make());
  using result = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;
  fiber& fresh = new_fiber(options);
  try {
    fiber_payload<result, closure>::emplace(fresh, make);
    launch_fiber(fresh, where);
  } catch (...) {
    discard(fresh);
    throw;
  }
  return task<result>(fresh);
}

// Has `callback`, which has not been launched, run once `ended` has; takes it over.
void launch_at_end(fiber& ended, fiber& callback);

template <class T>
template <class F>
requires(std::is_invocable_v<std::decay_t<F>&, task<T>>) void task<T>::on_done(F&& f) const {
  fiber& ended = target();
  fiber& callback = new_fiber(nullptr);
  try {
    auto make = [&] {
      return [f = std::decay_t<F>(std::forward<F>(f)), t = *this]() mutable {
        static_cast<void>(std::invoke(f, std::move(t)));
      };
    };
    fiber_payload<void, decltype(make())>::emplace(callback, make);
    launch_at_end(ended, callback);
  } catch (...) {
    discard(callback);
    throw;
  }
}

// A callable that can be spawned with these arguments, copied as std::thread copies them.
template <class F, class... Args>
concept spawnable = std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>;

// Makes a fiber that calls f(args...) on copies, and starts when its turn comes: first spawned,
// first started.
//
//     auto a = coir::spawn(crawl, "url_1");
//     auto b = coir::spawn({.name = "b", .stack_size = 256 * 1024}, crawl, "url_2");
//
// Blocking  never.
// Cost      some tens of nanoseconds; no stack until it starts.
// Throws    std::bad_alloc, what copying throws, std::invalid_argument for a stack too large.
template <class F, class... Args>
requires(spawnable<F, Args...>) auto spawn(F&& f, Args&&... args) {
  return coir::spawn_in(nullptr, nullptr, std::forward<F>(f), std::forward<Args>(args)...);
}

template <class F, class... Args>
requires(spawnable<F, Args...>) auto spawn(const spawn_options& options, F&& f, Args&&... args) {
  return coir::spawn_in(nullptr, &options, std::forward<F>(f), std::forward<Args>(args)...);
}

}  // namespace v1
}  // namespace coir
