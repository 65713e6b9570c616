// coir_fiber.hpp - coir's fibers, as the operations of the scheduler use them.
// SPDX-License-Identifier: BSL-1.0
//
// A peer of those operations has run(f), which calls f as the first fiber of a scheduler; spawn(f),
// join() and yield(); async(f), a future with get(), and gather(); and a mutex, a condition
// variable and two kinds of channel. What a channel sends it sends to the end: close() comes after
// the last send().
#pragma once

#include "../harness.hpp"

#include <coir/coir.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace bench {

template <class Door>
struct coir_channel_of {
  template <class T>
  class type {
   public:
    explicit type(std::size_t slots) : channel_(slots) {}
    [[gnu::always_inline]] void send(T value) { channel_.send(std::move(value)); }
    [[gnu::always_inline]] bool receive(T& out) {
      std::optional<T> value = channel_.receive();
      if (!value) return false;
      out = std::move(*value);
      return true;
    }
    void close() { channel_.close(); }
    coir::channel<T, Door>& get() { return channel_; }

   private:
    coir::channel<T, Door> channel_;
  };
};

template <unsigned Workers, class Door = coir::shared_door>
struct coir_fibers {
  template <class F>
  static void run(F f) {
    coir::run(std::move(f), {.workers = Workers, .stack_size = stack_size});
  }

  using handle = coir::task<void>;
  template <class F>
  static handle spawn(F f) {
    return coir::spawn(std::move(f));
  }
  static void join(handle& fiber) { fiber.join(); }
  [[gnu::always_inline]] static void yield() { coir::this_fiber::yield(); }

  template <class T>
  using future = coir::task<T>;
  template <class F>
  static auto async(F f) {
    return coir::spawn(std::move(f));
  }
  template <class T>
  static std::vector<T> gather(const std::vector<future<T>>& tasks) {
    return coir::gather(tasks);
  }

  template <class Time>
  static void sleep_until(Time time) {
    coir::this_fiber::sleep_until(time);
  }

  using mutex = coir::mutex;
  using condition_variable = coir::condition_variable;

  template <class T>
  using buffered = typename coir_channel_of<Door>::template type<T>;
  template <class T>
  struct rendezvous : buffered<T> {
    rendezvous() : buffered<T>(0) {}
  };
};

using coir_fiber = coir_fibers<1>;
using coir_fiber_2 = coir_fibers<2>;
using coir_local_fiber = coir_fibers<1, coir::local_door>;

// Two workers, of which a fiber that never gives way keeps one busy.
struct coir_fiber_beside_hog : coir_fiber_2 {
  template <class F>
  static void run(F f) {
    coir_fiber_2::run([&] {
      std::atomic<bool> hogged{false};
      std::atomic<bool> over{false};
      handle hog = spawn([&] {
        hogged = true;
        while (!over) {
        }
      });
      while (!hogged) yield();
      f();
      over = true;
      join(hog);
    });
  }
};

}  // namespace bench
