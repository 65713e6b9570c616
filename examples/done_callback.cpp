// done_callback.cpp - a task calls back when it is done, with an argument that was bound before.
// SPDX-License-Identifier: BSL-1.0
//
//     done_callback [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <string>

#include "stopwatch.hpp"

std::string do_some_work(int seconds) {
  std::cout << "waiting " << seconds << " s\n";
  coir::this_fiber::sleep_for(std::chrono::seconds(seconds));
  return "done after " + std::to_string(seconds) + " s";
}

void callback(int n, const coir::task<std::string>& task) {
  std::cout << "callback " << n << ": " << task.get() << '\n';
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([] {
    auto task = coir::spawn(do_some_work, 2);
    task.on_done(std::bind_front(callback, 1));
    task.on_done(std::bind_front(callback, 2));
    std::string result = task.get();
    std::cout << "result: " << result << '\n';
  });
  std::cout << "elapsed: " << watch << '\n';
}
