// task.hpp - a handle on what becomes of a fiber.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>
#include <coir/task_result.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace coir {
inline namespace v1 {

// What all tasks have, whatever their result.
//
// Blocking   join() and exception() suspend the fiber, or block the plain thread, that calls them.
//            A task that has not started is started at once by a fiber of the same worker that
//            joins it, before those that were spawned earlier.
// Lifetime   a handle keeps the outcome, not the fiber: dropping it lets the fiber run on.
// Throws     std::system_error (resource_deadlock_would_occur) for a fiber that joins itself;
//            std::logic_error for a handle without a task; cancelled.
class any_task {
 public:
  any_task() noexcept = default;
  any_task(const any_task& other) noexcept;
  any_task(any_task&& other) noexcept : fiber_(std::exchange(other.fiber_, nullptr)) {}
  any_task& operator=(any_task other) noexcept {
    std::swap(fiber_, other.fiber_);
    return *this;
  }
  ~any_task();

  // Waits until it has ended; whatever its exception, throws none of it.
  void join() const;

  bool done() const;
  bool cancelled() const;

  // Waits; null where a value was returned.
  std::exception_ptr exception() const;

  std::string name() const;
  void set_name(std::string_view name);

  // Engine level: takes over a reference.
  explicit any_task(fiber& f) noexcept : fiber_(&f) {}

  // Engine level: the fiber; std::logic_error where there is none.
  fiber& target() const;

 protected:
  // Waits; throws what ended the body.
  fiber& await() const;

 private:
  fiber* fiber_ = nullptr;
};

// A copyable handle on a result of type T.
template <class T>
class task : public any_task {
 public:
  using any_task::any_task;

  // Waits; throws what the body threw. As often as one likes.
  decltype(auto) get() const& { return result_of(await()).look(); }

  // Waits and moves the result out; a second time: std::future_error (no_state).
  T get() && { return take(); }
  T take() const { return result_of(await()).take(); }

 private:
  static task_result<T>& result_of(fiber& f) noexcept {
    return *static_cast<task_result<T>*>(f.payload);
  }
};

}  // namespace v1
}  // namespace coir
