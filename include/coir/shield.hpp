// shield.hpp - waiting for a task without passing on to it that one is asked to end oneself.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/task.hpp>

#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// A handle whose waits leave the task alone: cancelled, they throw at once, and the task runs on.
template <class T>
class shielded : private task<T> {
 public:
  explicit shielded(task<T> t) noexcept : task<T>(std::move(t)) {}

  // A copy of the result, which stays where it is; what cannot be copied is moved out of the task.
  T get() const {
    static_cast<void>(this->await(any_task::if_cancelled::leave_it));
    return task<T>::collect();
  }
  void join() const { this->join_shielded(); }

  using task<T>::done;
  using task<T>::cancelled;

  const task<T>& behind() const noexcept { return *this; }
};

// Cancelling who waits does not reach t.
//
//     coir::shield(t).get();
//
// Only that way is closed: t.cancel(), and the end of its runtime, are not kept off.
template <class T>
shielded<T> shield(task<T> t) noexcept {
  return shielded<T>(std::move(t));
}

}  // namespace v1
}  // namespace coir
