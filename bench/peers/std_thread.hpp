// std_thread.hpp - threads, as the operations of the scheduler use them; see coir_fiber.hpp.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "thread.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace bench {

struct std_thread {
  template <class F>
  static void run(F f) {
    on_one_processor all_of_them;
    f();
  }

  using handle = std::thread;
  template <class F>
  static handle spawn(F f) {
    return std::thread{std::move(f)};
  }
  static void join(handle& thread) { thread.join(); }
  static void yield() { std::this_thread::yield(); }

  using mutex = std::mutex;
  using condition_variable = std::condition_variable;
};

}  // namespace bench
