// race.hpp - waiting for the first of several tasks, and ending the others.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/task_range.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace coir {
inline namespace v1 {

// Of tasks of one type that type; of several types a variant, by their order.
template <class First, class... Others>
using race_result =
    std::conditional_t<(std::is_same_v<First, Others> && ...), First,
                       std::variant<gathered_item<First>, gathered_item<Others>...>>;

template <class Result, class Tasks, std::size_t... Index>
Result collect_winner(std::size_t winner, const Tasks& tasks, std::index_sequence<Index...>) {
  std::optional<Result> result;
  static_cast<void>(
      ((Index == winner &&
        (result.emplace(std::in_place_index<Index>, collect_from(std::get<Index>(tasks))), true)) ||
       ...));
  return *std::move(result);
}

// Returns the result of the task that ends first, and cancels the others, whose end it waits for.
// Those that are shielded run on.
//
//     std::string page = coir::race(coir::spawn(fetch, mirror_a), coir::spawn(fetch, mirror_b));
//
// If the first one failed, its exception is thrown. What the others end with is nobody's concern.
//
// Blocking   suspends the fiber, or blocks the plain thread, that calls it.
// Cancelled  all tasks but the shielded are cancelled as well, and their end waited for.
// Throws     what ended the first; std::invalid_argument for an empty range; as gather().
template <awaitable_task First, awaitable_task... Others>
race_result<task_value_t<First>, task_value_t<Others>...> race(First&& first, Others&&... others) {
  using result = race_result<task_value_t<First>, task_value_t<Others>...>;
  task_watch::member members[1 + sizeof...(Others)];
  task_watch watch(members, task_watch::until::one_ended);
  watch_task(watch, first);
  (watch_task(watch, others), ...);
  const auto winner = static_cast<std::size_t>(&watch.race() - members);
  if constexpr (std::is_same_v<result, task_value_t<First>>) {
    const task<result>* all[] = {&task_of(first), &task_of(others)...};
    return all[winner]->collect();
  } else {
    return collect_winner<result>(winner, std::tie(first, others...),
                                  std::index_sequence_for<First, Others...>());
  }
}

template <task_range Range>
task_value_t<std::ranges::range_reference_t<Range>> race(Range&& tasks) {
  auto&& handles = handles_of(tasks);
  auto members = members_for(handles);
  task_watch watch(members, task_watch::until::one_ended);
  for (auto& t : handles) watch_task(watch, t);
  auto winner = &watch.race() - members.data();
  return task_of(*std::ranges::next(std::ranges::begin(handles), winner)).collect();
}

}  // namespace v1
}  // namespace coir
