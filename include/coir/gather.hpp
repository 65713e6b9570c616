// gather.hpp - waiting for several tasks and taking all their results.
// SPDX-License-Identifier: BSL-1.0
// Budget: a task that has not ended is entered in a list and taken out at its end, no more.
#pragma once

#include <coir/as_completed.hpp>
#include <coir/for_each.hpp>
#include <coir/outcome.hpp>
#include <coir/race.hpp>
#include <coir/task_range.hpp>
#include <coir/wait_tasks.hpp>

#include <cstddef>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace coir {
inline namespace v1 {

// Engine level: waits for all of them, to the end that `When` says; throws what the call throws
// that wants it.
template <task_watch::until When, awaitable_task... Tasks>
void settle(Tasks&... tasks) {
  if constexpr (sizeof...(Tasks) > 0) {
    task_watch::member members[sizeof...(Tasks)];
    task_watch watch(members, When);
    (watch_task(watch, tasks), ...);
    watch.settle();
  }
}
template <task_watch::until When, task_range Range>
std::size_t settle_range(Range& handles) {
  auto members = members_for(handles);
  task_watch watch(members, When);
  for (auto& t : handles) watch_task(watch, t);
  watch.settle();
  return members.size();
}

// Waits for all of them and returns their results, in the order of the arguments.
//
//     auto [user, orders] = coir::gather(coir::spawn(load_user, id), coir::spawn(load_orders, id));
//     std::vector<page> pages = coir::gather(fetches);   // a range of task<page>
//
// The first exception is thrown at once, and the others run on; nobody hears of exceptions they end
// with later.
//
// Results    are copied where that is possible, so that a task can be asked again; from a handle or
//            range given as an rvalue (a view of handles that stay is none), and where there is no
//            copy, they are moved. Of task<void> a std::monostate; of task<T&>, in a vector, a
//            std::reference_wrapper.
// Blocking   suspends the fiber, or blocks the plain thread, that calls it.
// Cancelled  all tasks but the shielded are cancelled as well: see any_task.
// Throws     what ended the first that failed; std::logic_error for a handle without a task;
//            std::system_error for one's own; std::bad_alloc.
template <awaitable_task... Tasks>
auto gather(Tasks&&... tasks) {
  settle<task_watch::until::one_failed>(tasks...);
  return std::tuple<gathered<task_value_t<Tasks>>...>{collect_from(std::forward<Tasks>(tasks))...};
}

template <task_range Range>
auto gather(Range&& tasks) {
  using value = task_value_t<std::ranges::range_reference_t<Range>>;
  auto&& handles = handles_of(tasks);
  std::size_t count = settle_range<task_watch::until::one_failed>(handles);
  std::vector<gathered_item<value>> results;
  results.reserve(count);
  for (auto& t : handles) {
    if constexpr (range_given_away<Range>) {
      results.push_back(collect_from(std::move(t)));
    } else {
      results.push_back(collect_from(t));
    }
  }
  return results;
}

// The same, but an exception is a result like any other: a tuple or vector of outcome<T>.
template <awaitable_task... Tasks>
auto gather_settled(Tasks&&... tasks) {
  settle<task_watch::until::all_ended>(tasks...);
  return std::tuple<outcome<task_value_t<Tasks>>...>{
      outcome<task_value_t<Tasks>>(task_of(tasks))...};
}

template <task_range Range>
auto gather_settled(Range&& tasks) {
  using value = task_value_t<std::ranges::range_reference_t<Range>>;
  auto&& handles = handles_of(tasks);
  std::size_t count = settle_range<task_watch::until::all_ended>(handles);
  std::vector<outcome<value>> results;
  results.reserve(count);
  for (auto& t : handles) results.emplace_back(task_of(t));
  return results;
}

}  // namespace v1
}  // namespace coir
