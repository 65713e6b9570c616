// task.hpp - a handle on what becomes of a fiber.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>
#include <coir/task_result.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// What all tasks have, whatever their result.
//
// Blocking   join() and exception() suspend the fiber, or block the plain thread, that calls them.
//            A task that has not started is started at once by a fiber of the same worker that
//            joins it, before those that were spawned earlier.
// Lifetime   a handle keeps the outcome, not the fiber: dropping it lets the fiber run on.
// Cancelled  while a fiber waits for a task, the task is asked to end as well, and its end is
// waited
//            for: if it was cancelled by that, so is the wait; if not, the wait has succeeded, and
//            the request stays for the next cancellation point. shield() keeps it from that.
// Unhandled  an exception that nobody looked at (get, take, exception, gather, ...) is reported
// when
//            the last handle goes: see runtime_options::on_unhandled.
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

  // Asks it to end: `cancelled` is thrown out of the wait it is in, or of its next one; a task that
  // has not started never does. Each request is told once. False where it has ended: nothing is
  // done.
  //
  // Blocking  never. From any thread.
  // Cost      some tens of nanoseconds where it waits on the same worker.
  bool cancel(std::string_view message = {}) const;

  // How often it was asked, less how often that was taken back: for a body that caught `cancelled`
  // and goes on. A request that has not been told is told all the same.
  std::uint32_t cancelling() const;
  std::uint32_t uncancel() const;  // what is left

  std::string name() const;
  void set_name(std::string_view name) const;

  // The same task, whatever its result.
  friend bool operator==(const any_task& a, const any_task& b) noexcept {
    return a.fiber_ == b.fiber_;
  }

  // Engine level: takes over a reference.
  explicit any_task(fiber& f) noexcept : fiber_(&f) {}

  // Engine level: the fiber; std::logic_error where there is none.
  fiber& target() const;

  // Engine level: of one that has ended; it counts as looked at. Null where a value was returned.
  std::exception_ptr failure() const noexcept;

 protected:
  enum class if_cancelled { cancel_it, leave_it };

  // Waits; throws what ended the body.
  fiber& await(if_cancelled then = if_cancelled::cancel_it) const;
  void join_shielded() const;

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

  // Calls f(t), t being this task, once it has ended: as a fiber of its runtime, never within
  // on_done(). First registered, first called, and before those that wait for the task go on; it is
  // called though the runtime ends, and where that has ended, by the caller's. What f throws is
  // reported as of any fiber.
  //
  //     t.on_done(std::bind_front(log_result, "crawl"));
  //
  // Blocking  never.
  // Throws    std::bad_alloc, what copying f throws; and then f is not called.
  template <class F>
  requires(std::is_invocable_v<std::decay_t<F>&, task<T>>) void on_done(F&& f) const;  // spawn.hpp

  // Engine level, as the next: the result of one that has returned: a copy, or what cannot be
  // copied itself. No cancellation point.
  T collect() const {
    task_result<T>& result = result_of(target());
    if constexpr (std::is_copy_constructible_v<T>) {
      return result.look();
    } else {
      return result.take();
    }
  }
  // The same, moved out.
  T extract() const { return result_of(target()).take(); }

 private:
  static task_result<T>& result_of(fiber& f) noexcept {
    return *static_cast<task_result<T>*>(f.payload);
  }
};

}  // namespace v1
}  // namespace coir
