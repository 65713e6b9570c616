// std_future.hpp - a task's result for code that knows std::future only.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/outcome.hpp>
#include <coir/spawn.hpp>
#include <coir/task.hpp>

#include <exception>
#include <future>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// A future that is ready when the task has ended, with its value or its exception; `cancelled` is
// an exception like the others here.
//
//     std::future<int> answer = coir::to_std_future(rt.spawn(compute));
//     answer.get();                                  // on a plain thread
//
// A fiber that waits for it blocks its worker: fibers wait for the task itself.
//
// Results  are copied where that is possible, otherwise moved out of the task.
// Throws   std::bad_alloc.
template <class T>
std::future<T> to_std_future(task<T> t) {
  std::promise<T> result;
  std::future<T> future = result.get_future();
  t.on_done([result = std::move(result)](const task<T>& ended) mutable {
    if (std::exception_ptr failure = ended.failure()) {
      result.set_exception(failure);
    } else if constexpr (std::is_void_v<T>) {
      result.set_value();
    } else {
      result.set_value(ended.collect());
    }
  });
  return future;
}

}  // namespace v1
}  // namespace coir
