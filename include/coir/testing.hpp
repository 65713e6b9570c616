// testing.hpp - for programs that test code with time in it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>

namespace coir {
inline namespace v1 {
namespace testing {

// While it lives coir's clock stands still, and jumps to the next deadline when every fiber waits:
// an hour of sleeping takes microseconds.
//
//     coir::testing::virtual_time clock;
//     coir::run([] { coir::this_fiber::sleep_for(1h); });
//     assert(clock.elapsed() == 1h);
//
// It stands still while a blocking call is made (run_blocking.hpp).
//
// Lifetime  made and destroyed while no runtime has fibers; one at a time. Plain threads that wait
//           with a deadline, and other clocks, go by real time.
class virtual_time {
 public:
  virtual_time();
  virtual_time(const virtual_time&) = delete;
  virtual_time& operator=(const virtual_time&) = delete;
  ~virtual_time();

  // Virtual time since it was made.
  std::chrono::nanoseconds elapsed() const noexcept;

 private:
  std::int64_t start_;
};

}  // namespace testing
}  // namespace v1
}  // namespace coir
