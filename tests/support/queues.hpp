// queues.hpp - the same for each kind of queue.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/queue.hpp>

#include <cstddef>

namespace coir_test {

// Calls f(queue) for each of the three.
template <class T, class F>
void with_each_queue(std::size_t maxsize, F f) {
  {
    coir::queue<T> q(maxsize);
    f(q);
  }
  {
    coir::lifo_queue<T> q(maxsize);
    f(q);
  }
  {
    coir::priority_queue<T> q(maxsize);
    f(q);
  }
}

}  // namespace coir_test
