// boost_fiber.hpp - Boost.Fiber, as the operations of the scheduler use it; see coir_fiber.hpp.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../harness.hpp"

#include <boost/fiber/algo/work_stealing.hpp>
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/fixedsize_stack.hpp>
#include <boost/fiber/future.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

template <class Channel, class T>
class boost_channel : Channel {
 public:
  using Channel::Channel;
  using Channel::close;
  void send(T value) { Channel::push(std::move(value)); }
  bool receive(T& out) { return Channel::pop(out) == boost::fibers::channel_op_status::success; }
};

// On the thread that calls run(), by round_robin: its own stack is that of the first fiber.
template <class Stacks, boost::fibers::launch When = boost::fibers::launch::post>
struct boost_fibers {
  template <class F>
  static void run(F f) {
    f();
  }

  using handle = boost::fibers::fiber;
  template <class F>
  static handle spawn(F f) {
    return handle{When, std::allocator_arg, Stacks{stacks}, std::move(f)};
  }
  static void join(handle& fiber) { fiber.join(); }
  static void yield() { boost::this_fiber::yield(); }

  template <class T>
  using future = boost::fibers::future<T>;
  template <class F>
  static auto async(F f) {
    return boost::fibers::async(When, std::allocator_arg, Stacks{stacks}, std::move(f));
  }
  template <class T>
  static std::vector<T> gather(std::vector<future<T>>& tasks) {
    std::vector<T> results;
    results.reserve(tasks.size());
    for (auto& t : tasks) results.push_back(t.get());
    return results;
  }

  template <class Time>
  static void sleep_until(Time time) {
    boost::this_fiber::sleep_until(time);
  }

  using mutex = boost::fibers::mutex;
  using condition_variable = boost::fibers::condition_variable;

  template <class T>
  using buffered = boost_channel<boost::fibers::buffered_channel<T>, T>;
  template <class T>
  using rendezvous = boost_channel<boost::fibers::unbuffered_channel<T>, T>;

 private:
  static inline const Stacks stacks{stack_size};  // copies of a pool share it
};

using boost_fiber = boost_fibers<boost::fibers::pooled_fixedsize_stack>;
using boost_fiber_at_once =
    boost_fibers<boost::fibers::pooled_fixedsize_stack, boost::fibers::launch::dispatch>;

// For crowds, as the pool writes to both ends of each stack.
using boost_fiber_crowd = boost_fibers<boost::fibers::fixedsize_stack>;

// Two threads that steal from each other. Once a process: the algorithm forgets no thread it had.
struct boost_fiber_2 : boost_fiber_crowd {
  template <class F>
  static void run(F f) {
    mutex guard;
    condition_variable ended;
    bool over = false;
    std::thread other{[&] {
      steal();
      std::unique_lock lock{guard};
      while (!over) ended.wait(lock);
    }};
    steal();
    f();
    {
      std::lock_guard lock{guard};
      over = true;
    }
    ended.notify_all();
    other.join();
  }

 private:
  // Returns when both threads are there.
  static void steal() {
    boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(2U);
  }
};

}  // namespace bench
