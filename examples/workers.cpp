// workers.cpp - two workers, called in turn and as tasks: who is awaited before the other begins?
// SPDX-License-Identifier: BSL-1.0
//
//     workers [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <iostream>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

void worker_1() {
  std::cout << "worker_1 start\n";
  coir::this_fiber::sleep_for(1s);
  std::cout << "worker_1 done\n";
}

void worker_2() {
  std::cout << "worker_2 start\n";
  coir::this_fiber::sleep_for(2s);
  std::cout << "worker_2 done\n";
}

void in_turn() {
  std::cout << "before await\n";
  worker_1();
  std::cout << "awaited worker_1\n";
  worker_2();
  std::cout << "awaited worker_2\n";
}

// get() starts task_1 at once, which is next anyhow. Were task_2 awaited first, its worker would
// start first, too; asyncio starts tasks in the order in which they were made, and so does gather.
void as_tasks() {
  auto task_1 = coir::spawn(worker_1);
  auto task_2 = coir::spawn(worker_2);
  std::cout << "before await\n";
  task_1.get();
  std::cout << "awaited worker_1\n";
  task_2.get();
  std::cout << "awaited worker_2\n";
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run(in_turn);
  std::cout << "elapsed: " << watch << "\n\n";

  watch.restart();
  coir::run(as_tasks);
  std::cout << "elapsed: " << watch << '\n';
}
