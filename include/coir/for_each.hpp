// for_each.hpp - one task for each item of a range, a limited number at a time.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/semaphore.hpp>
#include <coir/task_group.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

struct for_each_options {
  std::size_t limit = 0;  // tasks at a time; 0: all at once
};

// Calls f(item) for each item, each call a fiber of its own, and waits for all of them.
//
//     coir::for_each(urls, [&](const std::string& url) { store(fetch(url)); }, {.limit = 10});
//
// The range is gone through by the caller, who waits whenever `limit` calls are under way. Items
// that stay where they are are given to f themselves, others as copies: those that are made on the
// way, and those of an input range (a generator, std::views::istream), which has one at a time. f
// is called by several at once. The first failure cancels the rest, and is thrown when all have
// ended.
//
// Blocking   suspends the fiber, or blocks the plain thread, that calls it.
// Cancelled  the calls under way are cancelled as well, and waited for.
// Throws     what f throws first; what the range throws; std::bad_alloc; cancelled.
template <std::ranges::input_range Range, class F>
requires(std::is_invocable_v<F&, std::ranges::range_reference_t<Range>>) void for_each(
    Range&& items, F f, for_each_options options = {}) {
  using item = std::ranges::range_reference_t<Range>;
  std::optional<semaphore> places;
  if (options.limit != 0)
    places.emplace(static_cast<std::ptrdiff_t>(std::min<std::size_t>(options.limit, PTRDIFF_MAX)));
  // Also where the call ends by an exception, or never begins.
  using place = std::unique_ptr<semaphore, decltype([](semaphore* held) { held->release(); })>;
  try {
    with_task_group([&](task_group& calls) {
      for (auto it = std::ranges::begin(items); it != std::ranges::end(items); ++it) {
        if (places) places->acquire();
        place held(places ? &*places : nullptr);
        if constexpr (std::is_lvalue_reference_v<item> && std::ranges::forward_range<Range>) {
          calls.spawn(
              [&f, held = std::move(held), one = std::addressof(*it)] { std::invoke(f, *one); });
        } else {
          calls.spawn([&f, held = std::move(held), one = std::decay_t<item>(*it)]() mutable {
            std::invoke(f, std::forward<item>(one));
          });
        }
      }
    });
  } catch (const task_group_error& failures) {
    std::rethrow_exception(failures.errors().front());
  }
}

}  // namespace v1
}  // namespace coir
