// wait_tasks.hpp - waiting for several tasks without taking their results.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/deadline.hpp>
#include <coir/task_range.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace coir {
inline namespace v1 {

enum class wait_mode : std::uint8_t {
  first_completed,  // one has ended, however
  first_exception,  // one has ended by an exception, a cancellation not counted, or all have ended
  all_completed
};
inline constexpr wait_mode first_completed = wait_mode::first_completed;
inline constexpr wait_mode first_exception = wait_mode::first_exception;
inline constexpr wait_mode all_completed = wait_mode::all_completed;

template <class Task>
struct wait_result {
  std::vector<Task> done;     // in the order in which they were given
  std::vector<Task> pending;  // likewise
};

template <task_range Range>
auto wait_deadline(Range&& tasks, wait_mode mode, deadline end) {
  using handle = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;
  auto&& handles = handles_of(tasks);
  auto members = members_for(handles);
  if (members.empty()) throw std::invalid_argument("coir: wait for no task at all");
  constexpr task_watch::until meant[] = {task_watch::until::one_ended, task_watch::until::one_threw,
                                         task_watch::until::all_ended};
  task_watch watch(members, meant[static_cast<std::size_t>(mode)]);
  for (auto& t : handles) watch_task(watch, t);
  static_cast<void>(watch.wait(end));
  wait_result<handle> result;
  for (auto& t : handles) (task_of(t).done() ? result.done : result.pending).push_back(t);
  return result;
}

// Waits until one of them, or all, have ended, or that time has passed; nothing is cancelled and no
// exception of theirs thrown.
//
//     auto [done, pending] = coir::wait(fetches, coir::first_completed, 1s);
//     for (auto& t : pending) t.cancel();
//
// Blocking   suspends the fiber, or blocks the plain thread, that calls it. A timeout of zero or
//            less lets the fibers run that are ready, as yield() does.
// Cancelled  the tasks are left alone.
// Throws     std::invalid_argument for an empty range; std::logic_error for a handle without a
//            task; std::system_error for one's own; std::bad_alloc; cancelled.
template <task_range Range>
auto wait(Range&& tasks, wait_mode mode = all_completed) {
  return wait_deadline(tasks, mode, deadline::never());
}
template <task_range Range, class Rep, class Period>
auto wait(Range&& tasks, wait_mode mode, const std::chrono::duration<Rep, Period>& timeout) {
  return wait_deadline(tasks, mode, deadline::after(timeout));
}
template <task_range Range, class Clock, class Duration>
auto wait(Range&& tasks, wait_mode mode, const std::chrono::time_point<Clock, Duration>& time) {
  return wait_deadline(tasks, mode, deadline::at(time));
}
template <task_range Range, class Rep, class Period>
auto wait(Range&& tasks, const std::chrono::duration<Rep, Period>& timeout) {
  return wait_deadline(tasks, all_completed, deadline::after(timeout));
}

}  // namespace v1
}  // namespace coir
