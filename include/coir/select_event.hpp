// select_event.hpp - the alternative of a select that waits for an event to be set.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/event.hpp>
#include <coir/select_branch.hpp>

#include <functional>
#include <utility>

namespace coir {
inline namespace v1 {

class event_source : public select_branch {
 public:
  // Says that somebody waits, as long as it is not set: then set() takes the lock. If nobody comes
  // to wait after all, set() has looked in vain.
  bool ready() noexcept override {
    // Acquire, here and below: pairs with the release in set(), if it comes first.
    std::uint32_t state = event_.state_.load(std::memory_order_acquire);
    while (state == 0 &&
           !event_.state_.compare_exchange(state, event::waiting_bit, std::memory_order_acquire)) {
    }
    return state == event::set_bit;
  }
  attempted attempt(waiter*&) noexcept override { return attempted::done; }
  void enqueue() noexcept override { event_.waiters_.push_back(node_); }

 protected:
  explicit event_source(event& e) noexcept : select_branch(kind::source, &e.lock_), event_(e) {}

 private:
  event& event_;
};

template <class F>
class event_branch final : public event_source {
 public:
  event_branch(event& e, F f) : event_source(e), f_(std::move(f)) {}
  void complete() override { std::invoke(f_); }

 private:
  F f_;
};

}  // namespace v1
}  // namespace coir
