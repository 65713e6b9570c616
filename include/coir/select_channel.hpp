// select_channel.hpp - the alternatives of a select that receive from or send on a channel.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/channel.hpp>
#include <coir/select_branch.hpp>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

template <class T, class Door, class F>
class receive_branch final : public select_branch {
 public:
  receive_branch(channel<T, Door>& from, F f)
      : select_branch(kind::source, from.queue().door().guard()), from_(from), f_(std::move(f)) {
    prepares_ = lock_ == nullptr;
  }

  void prepare() override { from_.queue().door().admit(); }
  bool ready() noexcept override {
    if (lock_ == nullptr) from_.queue().door().lock();
    const channel_state& s = from_.queue().state();
    return !s.buffer.empty() || !s.senders.empty() || s.closed || s.returned != 0;
  }
  attempted attempt(waiter*& decided) noexcept override {
    channel_block* waste = nullptr;
    bool done = from_.queue().get(got_, decided, waste) != channel_attempt::blocked;
    if (lock_ == nullptr) from_.queue().door().unlock();
    waste_ = waste;
    return done ? attempted::done : attempted::in_vain;
  }
  void enqueue() noexcept override {
    node_.slot = &got_;
    from_.queue().state().add_receiver(node_);
    if (lock_ == nullptr) from_.queue().door().unlock();
  }
  void dequeue() noexcept override {
    from_.queue().door().lock();
    if (node_.list != nullptr) node_.list->remove(node_);
    from_.queue().door().unlock();
  }
  void complete() override {
    if (lock_ == nullptr) from_.queue().door().lock();
    from_.queue().drop(std::exchange(waste_, nullptr));
    std::optional<channel_item<T>> got(std::exchange(got_, std::nullopt));
    if (!got.has_value()) let_others_run();
    if constexpr (travels_in_box<T>) {
      f_(from_.open(got));  // straight into the parameter: once it is out it is not moved again
    } else {
      f_(std::move(got));
    }
  }

 private:
  // A closed channel is always ready: a loop around the select would keep its worker from those the
  // other cases wait for.
  static void let_others_run() noexcept {
    if (worker* here = current_worker()) here->yield_current();
  }

  channel<T, Door>& from_;
  F f_;
  std::optional<channel_item<T>> got_;
  channel_block* waste_ = nullptr;
};

// Value: const T& for a value to be copied, T for one to be moved from.
template <class T, class Door, class Value, class F>
class send_branch final : public select_branch {
  using parcel = outgoing<T, Value>;

 public:
  send_branch(channel<T, Door>& to, Value&& value, F f)
      : select_branch(kind::source, to.queue().door().guard()),
        to_(to),
        value_(std::addressof(value)),
        f_(std::move(f)) {
    prepares_ = true;
  }
  send_branch(send_branch&& other)
      : select_branch(std::move(other)),
        to_(other.to_),
        value_(other.value_),
        f_(std::move(other.f_)) {}

  void prepare() override {
    to_.queue().door().admit();
    parcel_.emplace(static_cast<Value&&>(*const_cast<std::remove_reference_t<Value>*>(value_)));
    closed_ = false;
  }
  bool ready() noexcept override {
    if (lock_ == nullptr) to_.queue().door().lock();
    const channel_state& s = to_.queue().state();
    return !s.buffer.full() || !s.receivers.empty() || s.closed;
  }
  attempted attempt(waiter*& decided) noexcept override {
    channel_attempt result = to_.queue().put(parcel_->item(), decided);
    closed_ = result == channel_attempt::closed;
    if (lock_ == nullptr) to_.queue().door().unlock();
    if (result == channel_attempt::no_memory) return attempted::wants_memory;
    return result == channel_attempt::blocked ? attempted::in_vain : attempted::done;
  }
  void provide() override { to_.queue().add_memory(); }
  void enqueue() noexcept override {
    node_.slot = &parcel_->item();
    to_.queue().state().add_sender(node_);
    waits_ = true;
    if (lock_ == nullptr) to_.queue().door().unlock();
  }
  void dequeue() noexcept override {
    to_.queue().door().lock();
    if (node_.list != nullptr) node_.list->remove(node_);
    to_.queue().door().unlock();
  }
  void conclude() override {
    if (!parcel_.has_value()) return;
    if (std::exchange(waits_, false)) closed_ = node_.slot == nullptr;
    if constexpr (parcel::lent) parcel_->recall(*value_);
    parcel_.reset();
  }
  void complete() override {
    if (closed_) throw_channel_closed();
    std::invoke(f_);
  }
  void keep() override {
    kept_.emplace(static_cast<Value&&>(*value_));
    value_ = std::addressof(*kept_);
  }

 private:
  channel<T, Door>& to_;
  std::remove_reference_t<Value>* value_;
  F f_;
  std::optional<parcel> parcel_;
  std::optional<T> kept_;
  bool closed_ = false;
  bool waits_ = false;
};

}  // namespace v1
}  // namespace coir
