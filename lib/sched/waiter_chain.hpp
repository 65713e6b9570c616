// waiter_chain.hpp - waiters that are decided and not yet resumed.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/wait.hpp>

namespace coir {
inline namespace v1 {

// Taken out of their list under the primitive's lock, resumed after it is unlocked: with the first
// of them the primitive may be gone. First in, first out.
class waiter_chain {
 public:
  waiter_chain() noexcept = default;
  waiter_chain(const waiter_chain&) = delete;
  waiter_chain& operator=(const waiter_chain&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }

  void add(waiter& decided) noexcept {
    decided.next = nullptr;
    *end_ = &decided;
    end_ = &decided.next;
  }
  void add_all(wait_list& list) noexcept {
    while (waiter* w = list.pop()) add(*w);
  }

  // The first, out of the chain; null where there is none.
  waiter* take() noexcept {
    waiter* w = first_;
    if (w != nullptr) first_ = w->next;
    return w;
  }

  void resume() noexcept {
    while (waiter* w = take()) w->resume();
  }

 private:
  waiter* first_ = nullptr;
  waiter** end_ = &first_;
};

}  // namespace v1
}  // namespace coir
