// select_task.hpp - the alternative of a select that waits for the end of a task.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/select_branch.hpp>
#include <coir/task.hpp>

#include <functional>
#include <utility>

namespace coir {
inline namespace v1 {

class task_source : public select_branch {
 public:
  bool ready() noexcept override {
    // Relaxed: the end is announced under the lock, which is held.
    return ended_.state.load(std::memory_order_relaxed) == fiber_state::finished;
  }
  attempted attempt(waiter*&) noexcept override { return attempted::done; }
  void enqueue() noexcept override { ended_.joiners.push_back(node_); }

 protected:
  explicit task_source(fiber& f) noexcept : select_branch(kind::source, &f.lock), ended_(f) {}

 private:
  fiber& ended_;
};

template <class T, class F>
class task_branch final : public task_source {
 public:
  task_branch(task<T> t, F f) : task_source(t.target()), task_(std::move(t)), f_(std::move(f)) {}
  void complete() override { std::invoke(f_, task_); }

 private:
  task<T> task_;
  F f_;
};

}  // namespace v1
}  // namespace coir
