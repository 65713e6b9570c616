// debug.cpp - the public faces of the listing and of the virtual clock.
// SPDX-License-Identifier: BSL-1.0
#include <coir/debug.hpp>
#include <coir/testing.hpp>

#include "sched/clock.hpp"
#include "sched/listing.hpp"

namespace coir {
inline namespace v1 {

namespace debug {

void dump(std::ostream& out) {
  list_fibers(out);
}

}  // namespace debug

namespace testing {

virtual_time::virtual_time() {
  set_virtual_clock(true);
  start_ = clock_now();
}

virtual_time::~virtual_time() {
  set_virtual_clock(false);
}

std::chrono::nanoseconds virtual_time::elapsed() const noexcept {
  return std::chrono::nanoseconds(clock_now() - start_);
}

}  // namespace testing
}  // namespace v1
}  // namespace coir
