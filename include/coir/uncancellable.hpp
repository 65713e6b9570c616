// uncancellable.hpp - while it lives, requests to end are kept for later.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/wait.hpp>

namespace coir {
inline namespace v1 {

// For the destructor that waits, and whatever else must not be left half done.
//
//     ~connection() {
//       coir::uncancellable until_closed;
//       goodbye();  // may wait
//     }
//
// The fiber's waits go on to their end meanwhile; cancellations and timeouts that come are thrown
// at the first cancellation point after it. They nest. So it is anyway while an exception unwinds
// the stack, and in coir's own destructors.
//
// Lifetime  destroyed by the fiber that made it, as a local variable is. On a plain thread it does
//           nothing.
class uncancellable {
 public:
  uncancellable() noexcept {
    worker* here = current_worker();
    if (here == nullptr) return;
    self_ = here->current;
    add_mask(*self_, 1);
  }
  uncancellable(const uncancellable&) = delete;
  uncancellable& operator=(const uncancellable&) = delete;
  ~uncancellable() {
    if (self_ != nullptr) add_mask(*self_, -1U);
  }

 private:
  fiber* self_ = nullptr;
};

}  // namespace v1
}  // namespace coir
