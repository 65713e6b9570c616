// as_completed.hpp - several tasks in the order in which they end.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/deadline.hpp>
#include <coir/task_range.hpp>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <ranges>
#include <type_traits>
#include <vector>

namespace coir {
inline namespace v1 {

// What as_completed() returns: a range to go through once.
template <class Task>
class completion_range {
 public:
  class iterator {
   public:
    using value_type = Task;
    using difference_type = std::ptrdiff_t;

    Task& operator*() const noexcept { return range_->tasks_[range_->current_]; }
    Task* operator->() const noexcept { return &**this; }
    iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
      return i.at_end();
    }

   private:
    friend completion_range;
    bool at_end() const noexcept { return range_->at_end_; }
    explicit iterator(completion_range& range) noexcept : range_(&range) {}
    completion_range* range_;
  };

  template <class Range>
  completion_range(Range&& tasks, deadline end)
      : tasks_(copy_handles(tasks)),
        members_(tasks_.size()),
        watch_(members_, task_watch::until::one_ended),
        end_(end),
        left_(tasks_.size()) {
    for (Task& t : tasks_) watch_task(watch_, t);
  }
  completion_range(const completion_range&) = delete;
  completion_range& operator=(const completion_range&) = delete;

  // Waits for one. A second loop goes on where the first one stopped, with the next.
  iterator begin() {
    advance();
    return iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  void advance() {
    at_end_ = left_ == 0;
    if (at_end_) return;
    if (!watch_.wait(end_)) throw timed_out();
    current_ = static_cast<std::size_t>(watch_.take_ended() - members_.data());
    --left_;
  }

  std::vector<Task> tasks_;
  std::vector<task_watch::member> members_;
  task_watch watch_;
  deadline end_;
  std::size_t left_;  // have not been given
  std::size_t current_ = 0;
  bool at_end_ = false;
};

// The tasks in the order in which they end; the loop waits for each.
//
//     for (coir::task<page>& t : coir::as_completed(fetches)) store(t.get());
//
// Blocking   the loop suspends the fiber, or blocks the plain thread, it runs on.
// Cancelled  the tasks are left alone.
// Throws     from the loop: cancelled; timed_out where the time given passes before all have ended.
//            Here: std::logic_error for a handle without a task; std::system_error for one's own.
template <task_range Range>
auto as_completed(Range&& tasks) {
  using handle = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;
  return completion_range<handle>(tasks, deadline::never());
}
template <task_range Range, class Rep, class Period>
auto as_completed(Range&& tasks, const std::chrono::duration<Rep, Period>& timeout) {
  using handle = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;
  return completion_range<handle>(tasks, deadline::after(timeout));
}

}  // namespace v1
}  // namespace coir
