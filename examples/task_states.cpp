// task_states.cpp - a task is pending, runs, and is done or cancelled; and a run within a run.
// SPDX-License-Identifier: BSL-1.0
//
//     task_states [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <iostream>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

const char* state_of(const coir::any_task& task) {
  if (task.cancelled()) return "cancelled";
  return task.done() ? "done" : "pending";
}

int do_some_work() {
  std::cout << "running\n";
  coir::this_fiber::sleep_for(2s);
  return 4;
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([&] {
    auto one = coir::spawn(do_some_work);
    auto other = coir::spawn(do_some_work);
    std::cout << "one is " << state_of(one) << '\n';
    coir::this_fiber::sleep_for(1s);
    std::cout << "one is " << state_of(one) << " after " << watch << '\n';

    other.cancel();
    std::cout << "the other is still " << state_of(other) << '\n';  // until it has heard of it
    other.join();
    std::cout << "the other is " << state_of(other) << " after " << watch << '\n';

    int result = one.get();
    std::cout << "one is " << state_of(one) << " after " << watch << ": " << result << '\n';

    // A function that uses coir::run can be called from a fiber: it is run as its child.
    int inner = coir::run(do_some_work);
    std::cout << "the run within is done after " << watch << ": " << inner << '\n';
  });
  std::cout << "elapsed: " << watch << '\n';
}
