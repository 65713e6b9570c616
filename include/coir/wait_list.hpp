// wait_list.hpp - the waiters of one primitive.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

struct waiter;

// First come, first served. Under the primitive's lock. Defined in wait.hpp.
struct wait_list {
  waiter* first = nullptr;
  waiter* last = nullptr;

  bool empty() const noexcept { return first == nullptr; }
  void push_back(waiter& w) noexcept;
  void remove(waiter& w) noexcept;

  // Takes out the first waiter that nobody else has decided, now decided for success; null if there
  // is none. The caller hands over and calls resume().
  waiter* pop() noexcept;
  waiter* pop_any() noexcept;  // the same for one that waits elsewhere, or is decided already
};

}  // namespace v1
}  // namespace coir
