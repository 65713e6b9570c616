// select_channel.hpp - the alternatives of a select that receive from or send on a channel.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/channel.hpp>
#include <coir/select_branch.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// A channel whose door has no lock wants to know who comes in.
template <class T, class Door, class F>
class receive_branch final : public select_branch {
 public:
  receive_branch(channel<T, Door>& from, F f)
      : select_branch(kind::receive, from.queue().door().guard(), &from.queue().state()),
        from_(from),
        f_(std::move(f)) {
    prepares_ = lock_ == nullptr;
    slot_ = &got_;
  }
  receive_branch(receive_branch&& other)
      : select_branch(std::move(other)), from_(other.from_), f_(std::move(other.f_)) {
    slot_ = &got_;
  }

  void prepare() override { from_.queue().door().admit(); }
  attempted attempt(waiter*& decided) noexcept override {
    channel_attempt result = from_.queue().get(got_, decided, waste_);
    return result == channel_attempt::blocked ? attempted::in_vain : attempted::done;
  }
  void complete() override {
    if (waste_ != nullptr) from_.queue().drop(std::exchange(waste_, nullptr));
    if (!got_.has_value()) let_others_run();
    if constexpr (travels_in_box<T>) {
      std::optional<channel_item<T>> box(std::exchange(got_, std::nullopt));
      f_(from_.open(box));  // straight into the parameter: once it is out it is not moved again
    } else {
      f_(std::exchange(got_, std::nullopt));
    }
  }

 private:
  // A closed channel is always ready: a loop around the select would keep its worker from those the
  // other cases wait for.
  [[gnu::noinline, gnu::cold]] static void let_others_run() noexcept {
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
  using source = std::remove_reference_t<Value>;

 public:
  send_branch(channel<T, Door>& to, Value&& value, F f)
      : select_branch(kind::send, to.queue().door().guard(), &to.queue().state()),
        to_(to),
        value_(std::addressof(value)),
        f_(std::move(f)) {
    prepares_ = lock_ == nullptr || !parcel::in_place;
    if constexpr (parcel::in_place) slot_ = const_cast<T*>(value_);
  }
  send_branch(send_branch&& other)
      : select_branch(std::move(other)),
        to_(other.to_),
        value_(other.value_),
        f_(std::move(other.f_)) {}

  void prepare() override {
    to_.queue().door().admit();
    if constexpr (!parcel::in_place) {
      parcel_.emplace(static_cast<Value&&>(*value_));
      slot_ = &parcel_->item();
    }
  }
  attempted attempt(waiter*& decided) noexcept override {
    channel_attempt result = to_.queue().put(*static_cast<channel_item<T>*>(slot_), decided);
    closed_ = result == channel_attempt::closed;
    if (result == channel_attempt::no_memory) return attempted::wants_memory;
    return result == channel_attempt::blocked ? attempted::in_vain : attempted::done;
  }
  void provide() override { to_.queue().add_memory(); }
  void conclude() override {
    if constexpr (!parcel::in_place) {
      if (!parcel_.has_value()) return;
      if constexpr (parcel::lent) parcel_->recall(*value_);
      parcel_.reset();
    }
  }
  void complete() override {
    if (closed_) throw_channel_closed();
    std::invoke(f_);
  }
  void won_by_waiting() noexcept override { closed_ = node_.slot == nullptr; }
  void keep() override {
    kept_.emplace(static_cast<Value&&>(*value_));
    value_ = std::addressof(*kept_);
    if constexpr (parcel::in_place) slot_ = const_cast<T*>(value_);
  }

 private:
  channel<T, Door>& to_;
  source* value_;
  F f_;
  std::optional<parcel> parcel_;
  std::optional<T> kept_;
  bool closed_ = false;
};

}  // namespace v1
}  // namespace coir
