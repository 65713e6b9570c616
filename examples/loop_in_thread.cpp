// loop_in_thread.cpp - a runtime in a thread of its own is given work by main, which is never
// blocked.
// SPDX-License-Identifier: BSL-1.0
//
//     loop_in_thread [MS]     a second of work lasts so many milliseconds, 1000 where none is given
#include <coir/coir.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>

using clock_type = std::chrono::steady_clock;

int main(int argc, char** argv) {
  const std::chrono::milliseconds second(argc > 1 ? std::atoi(argv[1]) : 1000);
  auto do_some_work = [second](int seconds) {
    coir::this_fiber::sleep_for(seconds * second);
    std::cout << "done after " << seconds << " s\n";
    return seconds;
  };
  auto start = clock_type::now();
  auto less_than = [&](int seconds) { return clock_type::now() - start < seconds * second; };

  coir::runtime loop = coir::runtime::background({.name = "loop"});

  // asyncio.run_coroutine_threadsafe: a task to ask for the result.
  auto six = loop.spawn(do_some_work, 6);
  auto four = loop.spawn(do_some_work, 4);

  // loop.call_soon_threadsafe: a function to run, and no more.
  coir::latch posted(1);
  loop.post([&] {
    do_some_work(2);
    posted.count_down();
  });

  std::cout << (less_than(2) ? "main goes on\n" : "main was blocked\n");
  posted.wait();
  int sum = six.get() + four.get();
  std::cout << "all work: " << sum << " s\n";
  std::cout << (less_than(8) ? "about 6 s in all\n" : "one after the other\n");
}
