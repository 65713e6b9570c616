// future_state.cpp - what a promise and its futures share.
// SPDX-License-Identifier: BSL-1.0
#include <coir/future_state.hpp>

#include <coir/thread_exit.hpp>
#include <coir/uncancellable.hpp>

namespace coir {
inline namespace v1 {

bool future_state::try_claim() noexcept {
  stage before = stage::empty;
  // Acquire: pairs with the release in unclaim(). The result is published by ready_.
  return stage_.compare_exchange_strong(before, stage::claimed, std::memory_order_acquire);
}

void future_state::claim() {
  if (!try_claim()) throw future_error(future_errc::promise_already_satisfied);
}

void future_state::publish_at_thread_exit() {
  retain();
  try {
    at_thread_exit([this] {
      publish();
      release();
    });
  } catch (...) {
    release();
    throw;
  }
}

void future_state::wait() {
  stage before = stage::deferred;
  // Acquire: as in try_claim().
  if (is_deferred() &&
      stage_.compare_exchange_strong(before, stage::claimed, std::memory_order_acquire))
    run_deferred();
  ready_.wait();
}

future_status future_state::wait_deadline(deadline until) {
  if (is_deferred()) return future_status::deferred;
  if (is_ready()) return future_status::ready;
  return ready_.wait_until(
             std::chrono::steady_clock::time_point(std::chrono::nanoseconds(until.nanoseconds())))
             ? future_status::ready
             : future_status::timeout;
}

void future_state::hand_out() {
  // Relaxed: only whether somebody has been here.
  if (handed_out_.exchange(true, std::memory_order_relaxed))
    throw future_error(future_errc::future_already_retrieved);
}

void future_state::end() noexcept {
  if (any_task producer = std::move(producer_); producer != any_task()) {
    uncancellable while_it_ends;
    producer.join();
  }
  destroy();
}

}  // namespace v1
}  // namespace coir
