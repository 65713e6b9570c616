// semaphore_400.cpp - four hundred requests, ten at a time: in four processes, and in one.
// SPDX-License-Identifier: BSL-1.0
//
//     semaphore_400 [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <vector>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

// asyncio's "async with semaphore": the permit is given back however the block is left.
class permit {
 public:
  explicit permit(coir::semaphore& of) : of_(of) { of_.acquire(); }
  permit(const permit&) = delete;
  permit& operator=(const permit&) = delete;
  ~permit() { of_.release(); }

 private:
  coir::semaphore& of_;
};

// Whether there were never more than ten requests under way, but ten.
bool make_requests(int number, stopwatch& watch) {
  watch.restart();
  int under_way = 0;
  int most = 0;
  coir::run([&] {
    coir::semaphore at_once(10);
    std::vector<coir::task<void>> requests;
    for (int i = 0; i < number; ++i) {
      requests.push_back(coir::spawn([&] {
        permit held(at_once);
        most = std::max(most, ++under_way);
        coir::this_fiber::sleep_for(100ms);
        --under_way;
      }));
    }
    coir::gather(requests);
  });
  std::ostringstream line;  // written at once, as the processes write side by side
  line << number << " requests, at most " << most << " at a time, took " << watch << '\n';
  std::cout << line.str() << std::flush;
  return most == 10;
}

// Whether f was true in each of them.
bool in_processes(int number, auto f) {
  std::cout << std::flush;
  for (int i = 0; i < number; ++i)
    if (fork() == 0) _exit(f() ? 0 : 1);  // no runtime is there yet
  bool all = true;
  for (int status = 0; wait(&status) > 0;) all = all && status == 0;
  return all;
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  bool right = in_processes(4, [&] { return make_requests(100, watch); });
  right = make_requests(400, watch) && right;
  return right ? 0 : 1;
}
