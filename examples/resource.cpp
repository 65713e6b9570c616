// resource.cpp - something that takes a second to acquire and one to release, by RAII; it is
// released though its user is cancelled.
// SPDX-License-Identifier: BSL-1.0
//
//     resource [--virtual]     with a clock that jumps over all waiting
//
// What "async with" and @asynccontextmanager are for in asyncio: here constructors and destructors
// may wait.
#include <coir/coir.hpp>

#include <chrono>
#include <iostream>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

class resource {
 public:
  explicit resource(const stopwatch& watch) : watch_(watch) {
    coir::this_fiber::sleep_for(1s);  // cancelled here, there is nothing to release
    std::cout << watch_ << ": acquired\n";
  }
  resource(const resource&) = delete;
  resource& operator=(const resource&) = delete;
  ~resource() {
    coir::uncancellable until_released;  // a cancellation that comes now is kept for later
    coir::this_fiber::sleep_for(1s);
    std::cout << watch_ << ": released\n";
  }

  void use() {
    coir::this_fiber::sleep_for(1s);
    std::cout << watch_ << ": used\n";
  }

 private:
  const stopwatch& watch_;
};

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  auto work = [&] {
    resource r(watch);
    r.use();
  };
  coir::run(work);
  std::cout << "elapsed: " << watch << "\n\n";

  watch.restart();
  coir::run([&] {
    auto working = coir::spawn(work);
    coir::this_fiber::sleep_for(1500ms);
    std::cout << watch << ": cancels it\n";
    working.cancel();
    working.join();
    std::cout << watch << ": " << (working.cancelled() ? "it was cancelled\n" : "too late\n");
  });
  std::cout << "elapsed: " << watch << '\n';
}
