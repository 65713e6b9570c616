// task_range.hpp - several tasks, as the calls that wait for several take them.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/shield.hpp>
#include <coir/task.hpp>
#include <coir/task_watch.hpp>

#include <cstddef>
#include <functional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace coir {
inline namespace v1 {

// The result type of a task<T> or shielded<T>.
template <class Task>
struct task_value;
template <class T>
struct task_value<task<T>> {
  using type = T;
};
template <class T>
struct task_value<shielded<T>> {
  using type = T;
};
template <class Task>
using task_value_t = typename task_value<std::remove_cvref_t<Task>>::type;

template <class Task>
concept awaitable_task = requires {
  typename task_value<std::remove_cvref_t<Task>>::type;
};

template <class Range>
concept task_range =
    std::ranges::input_range<Range> && awaitable_task<std::ranges::range_reference_t<Range>>;

// The handles are somewhere, to be gone through as often as one likes.
template <class Range>
concept range_of_kept_tasks = std::ranges::forward_range<Range> &&
    std::is_lvalue_reference_v<std::ranges::range_reference_t<Range>>;

template <task_range Range>
auto copy_handles(Range& tasks) {
  std::vector<std::remove_cvref_t<std::ranges::range_reference_t<Range>>> handles;
  for (auto&& t : tasks) handles.push_back(std::forward<decltype(t)>(t));
  return handles;
}

// The range itself, or, where a handle is made each time it is looked at, a vector of them:
// std::views::transform may spawn.
template <task_range Range>
decltype(auto) handles_of(Range& tasks) {
  if constexpr (range_of_kept_tasks<Range>) {
    return static_cast<Range&>(tasks);
  } else {
    return copy_handles(tasks);
  }
}

// The handles are the caller's no more, and so are the results. Those that a view looks at are.
template <class Range>
concept range_given_away =
    !range_of_kept_tasks<Range> ||
    !(std::is_lvalue_reference_v<Range> || std::ranges::view<std::remove_cvref_t<Range>>);

template <class T>
const task<T>& task_of(const task<T>& t) noexcept {
  return t;
}
template <class T>
const task<T>& task_of(const shielded<T>& t) noexcept {
  return t.behind();
}
template <class T>
void watch_task(task_watch& watch, const task<T>& t) {
  watch.add(t);
}
template <class T>
void watch_task(task_watch& watch, const shielded<T>& t) {
  watch.add(t.behind(), true);
}

// The members of a watch for a range of tasks.
template <task_range Range>
std::vector<task_watch::member> members_for(Range& tasks) {
  return std::vector<task_watch::member>(static_cast<std::size_t>(std::ranges::distance(tasks)));
}

// In what gather() returns: nothing is a std::monostate; in a vector, a reference is a
// std::reference_wrapper.
template <class T>
using gathered = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
template <class T>
using gathered_item =
    std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>,
                       gathered<T>>;

// From a handle that is given away the result is moved, otherwise copied if it can be.
template <class Task>
gathered<task_value_t<Task>> collect_from(Task&& t) {
  if constexpr (std::is_void_v<task_value_t<Task>>) {
    return {};
  } else if constexpr (std::is_rvalue_reference_v<Task&&>) {
    return task_of(t).extract();
  } else {
    return task_of(t).collect();
  }
}

}  // namespace v1
}  // namespace coir
