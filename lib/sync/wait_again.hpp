// wait_again.hpp - what a lock does with a wait that ended without it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/wait.hpp>

namespace coir {
inline namespace v1 {

// Before those that came while it was awake.
inline void push_front(wait_list& list, waiter& w) noexcept {
  w.list = &list;
  w.previous = nullptr;
  w.next = list.first;
  (list.first != nullptr ? list.first->previous : list.last) = &w;
  list.first = &w;
}

}  // namespace v1
}  // namespace coir
