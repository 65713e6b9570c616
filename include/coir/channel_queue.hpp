// channel_queue.hpp - what a channel does, for values whose moves do not throw.
// SPDX-License-Identifier: BSL-1.0
// Budget: a send or receive that meets nobody is one lock and some thirty instructions, inline; who
// waits is decided by a second read-modify-write, and only if it waits on another worker.
#pragma once

#include <coir/channel_buffer.hpp>
#include <coir/channel_closed.hpp>
#include <coir/channel_item.hpp>
#include <coir/deadline.hpp>
#include <coir/receive_result.hpp>
#include <coir/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

enum class channel_attempt : std::uint8_t { done, blocked, closed, no_memory };

// What channels have in common, whatever they carry.
//
//     a waiting sender's slot    the item it offers; null once the channel was closed to it
//     a waiting receiver's slot  a std::optional for the item; stays empty if closed
class channel_state {
 public:
  channel_state(std::size_t item_size, std::size_t item_alignment, std::size_t capacity)
      : buffer(item_size, item_alignment, capacity) {}
  ~channel_state();  // aborts where somebody waits

  // A send goes on pushing while the channel is not closed and no receiver waits, a receive goes on
  // popping while no sender waits and nothing was given back. When there is such a thing to look at
  // the side in question is stopped; the next operation that finds there is not lets it go on.
  channel_buffer buffer;
  wait_list receivers;
  wait_list senders;
  bool closed = false;
  std::size_t returned = 0;  // items given back by receivers that could not take them

  // Short cuts to what offer() and take() would find out.
  bool send_waits() const noexcept { return receivers.empty() && buffer.full() && !closed; }
  bool receive_waits() const noexcept {
    return buffer.empty() && senders.empty() && returned == 0 && !closed;
  }

  void add_receiver(waiter& w) noexcept {
    receivers.push_back(w);
    buffer.stop_pushing();
  }
  void add_sender(waiter& w) noexcept {
    senders.push_back(w);
    buffer.stop_popping();
  }

  // Under the lock: closes, and gives a list of waiters, linked by next, to resume.
  [[nodiscard]] waiter* close() noexcept;
  static void resume_all(waiter* decided) noexcept;
};

[[noreturn, gnu::cold]] void throw_channel_closed();

template <class Item, class Door>
class channel_queue {
 public:
  static_assert(std::is_nothrow_move_constructible_v<Item>);

  explicit channel_queue(std::size_t capacity) : state_(sizeof(Item), alignof(Item), capacity) {}
  ~channel_queue() {
    while (!state_.buffer.empty()) {
      drop(state_.buffer.turn());
      state_.buffer.template pop<Item>();
    }
  }

  // False when `until` has passed; then, and when it throws, `item` is as it was.
  [[gnu::always_inline]] bool send(Item& item, deadline until) {
    worker* here = door_.admit_waiter();
    door_.lock();
    if (offer_plainly(item)) [[likely]]
      return true;
    auto&& own = copy_if_free(item);
    if (!state_.send_waits()) {
      channel_attempt result = offer(own);
      if (result == channel_attempt::done) return true;
      if (result != channel_attempt::blocked) return send_uncommonly(own, result);
    }
    waiter w("room in a channel");
    w.slot = &own;
    w.until = until;
    state_.add_sender(w);
    wait_outcome outcome = door_.wait(w, here, !until.is_never());
    if (outcome != wait_outcome::success) [[unlikely]] {
      throw_wait_failure(outcome);
      return false;
    }
    if (w.slot == nullptr) [[unlikely]]
      throw_channel_closed();
    return true;
  }

  [[gnu::always_inline]] bool try_send(Item& item) {
    door_.admit();
    door_.lock();
    if (offer_plainly(item)) return true;
    auto&& own = copy_if_free(item);
    channel_attempt result = offer(own);
    if (result == channel_attempt::done) return true;
    if (result != channel_attempt::blocked) return send_uncommonly(own, result);
    door_.unlock();
    return false;
  }

  // `out` is empty. Done or closed, or blocked when `until` has passed.
  [[gnu::always_inline]] channel_attempt receive(std::optional<Item>& out, deadline until) {
    worker* here = door_.admit_waiter();
    door_.lock();
    if (take_plainly(out)) [[likely]]
      return channel_attempt::done;
    if constexpr (free_to_copy) {
      std::optional<Item> own;
      channel_attempt result = receive_or_wait(own, until, here);
      if (own.has_value()) out.emplace(*own);  // not a copy: read as wide as it was written
      return result;
    } else {
      return receive_or_wait(out, until, here);
    }
  }

  [[gnu::always_inline]] channel_attempt try_receive(std::optional<Item>& out) {
    door_.admit();
    door_.lock();
    if (take_plainly(out)) return channel_attempt::done;
    channel_attempt result = take(out);
    if (result == channel_attempt::blocked) door_.unlock();
    return result;
  }

  void close() {
    door_.admit();
    door_.lock();
    waiter* decided = state_.close();
    door_.unlock();
    channel_state::resume_all(decided);
  }

  // A receiver could not use what it received: to the next one.
  void give_back(Item&& item) noexcept {
    door_.lock();
    waiter* w = state_.receivers.pop();
    if (w != nullptr) {
      static_cast<std::optional<Item>*>(w->slot)->emplace(std::move(item));
    } else {
      returned_.push_back(std::move(item));
      ++state_.returned;
      state_.buffer.stop_popping();
    }
    door_.unlock();
    if (w != nullptr) w->resume();
  }

  template <class Look>
  auto look(Look&& f) {
    door_.admit();
    door_.lock();
    auto found = f(std::as_const(state_));
    door_.unlock();
    return found;
  }

  std::size_t capacity() const noexcept { return state_.buffer.capacity(); }

  // -- For select, under the lock.

  Door& door() noexcept { return door_; }
  channel_state& state() noexcept { return state_; }

  // Both leave the lock alone; who `decided` was is to be resumed after it.
  [[gnu::always_inline]] channel_attempt put(Item& item, waiter*& decided) noexcept {
    if (state_.closed) return channel_attempt::closed;
    decided = state_.receivers.pop();
    if (decided != nullptr) {
      static_cast<std::optional<Item>*>(decided->slot)->emplace(std::move(item));
      return channel_attempt::done;
    }
    if (state_.buffer.full()) return channel_attempt::blocked;
    if (!state_.buffer.reserve()) return channel_attempt::no_memory;
    state_.buffer.push(std::move(item));
    state_.buffer.go_on_pushing();
    return channel_attempt::done;
  }

  [[gnu::always_inline]] channel_attempt get(std::optional<Item>& out, waiter*& decided,
                                             channel_block*& waste) noexcept {
    if constexpr (returned_items<Item>::possible) {
      if (state_.returned != 0) {
        out.emplace(returned_.pop_front());
        --state_.returned;
        return channel_attempt::done;
      }
    }
    decided = state_.senders.pop();
    if (!state_.buffer.empty()) {
      waste = state_.buffer.turn();
      out.emplace(std::move(state_.buffer.template front<Item>()));
      state_.buffer.template pop<Item>();
      if (decided != nullptr) {
        static_cast<void>(state_.buffer.reserve());  // a bounded buffer always can
        state_.buffer.push(std::move(*static_cast<Item*>(decided->slot)));
      }
      if (state_.senders.empty()) state_.buffer.go_on_popping();
      return channel_attempt::done;
    }
    if (decided != nullptr) {
      out.emplace(std::move(*static_cast<Item*>(decided->slot)));
      return channel_attempt::done;
    }
    return state_.closed ? channel_attempt::closed : channel_attempt::blocked;
  }

  // Without the lock: memory for an unbounded channel, or what it has too much of.
  void add_memory() {
    channel_block* block = state_.buffer.make_block();
    door_.lock();
    block = state_.buffer.add(block);
    door_.unlock();
    drop(block);
  }
  void drop(channel_block* waste) noexcept {
    if (waste != nullptr) state_.buffer.drop_block(waste);
  }

 private:
  // Small enough to be copied for the uncommon paths, so that the common one needs no address and
  // the values stay in registers.
  static constexpr bool free_to_copy =
      std::is_trivially_copyable_v<Item> && std::is_copy_constructible_v<Item> &&
      std::is_copy_assignable_v<Item> && sizeof(Item) <= 2 * sizeof(void*);

  [[gnu::always_inline]] static auto copy_if_free(Item& item)
      -> std::conditional_t<free_to_copy, Item, Item&> {
    return item;
  }

  // The common cases, which unlock when they succeed.
  [[gnu::always_inline]] bool offer_plainly(Item& item) noexcept {
    channel_buffer& buffer = state_.buffer;
    if (!buffer.may_push()) [[unlikely]]
      return false;
    buffer.push_on(std::move(item));
    door_.unlock();
    return true;
  }
  [[gnu::always_inline]] bool take_plainly(std::optional<Item>& out) noexcept {
    channel_buffer& buffer = state_.buffer;
    if (!buffer.may_pop()) [[unlikely]]
      return false;
    out.emplace(std::move(buffer.template front<Item>()));
    buffer.template pop_on<Item>();
    door_.unlock();
    return true;
  }

  [[gnu::always_inline]] channel_attempt receive_or_wait(std::optional<Item>& out, deadline until,
                                                         worker* here) {
    if (!state_.receive_waits()) {
      channel_attempt result = take(out);
      if (result != channel_attempt::blocked) return result;
    }
    waiter w("a channel to receive from");
    w.slot = &out;
    w.until = until;
    state_.add_receiver(w);
    wait_outcome outcome = door_.wait(w, here, !until.is_never());
    if (outcome != wait_outcome::success) [[unlikely]] {
      throw_wait_failure(outcome);
      return channel_attempt::blocked;
    }
    return out.has_value() ? channel_attempt::done : channel_attempt::closed;
  }

  // All other cases. They leave the lock held if the result is `blocked`, and unlock otherwise.
  [[gnu::noinline]] channel_attempt offer(Item& item) noexcept {
    waiter* decided = nullptr;
    channel_attempt result = put(item, decided);
    if (result == channel_attempt::blocked) return result;
    door_.unlock();
    if (decided != nullptr) decided->resume();
    return result;
  }
  [[gnu::noinline]] channel_attempt take(std::optional<Item>& out) noexcept {
    waiter* decided = nullptr;
    channel_block* waste = nullptr;
    channel_attempt result = get(out, decided, waste);
    if (result == channel_attempt::blocked) return result;
    door_.unlock();
    if (decided != nullptr) decided->resume();
    drop(waste);
    return result;
  }

  // Without the lock: the channel is closed, or wants memory.
  [[gnu::noinline, gnu::cold]] bool send_uncommonly(Item& item, channel_attempt result) {
    while (result == channel_attempt::no_memory) {
      add_memory();
      door_.lock();
      result = offer(item);  // an unbounded channel is never full
    }
    if (result == channel_attempt::closed) throw_channel_closed();
    return true;
  }

  Door door_;
  channel_state state_;
  [[no_unique_address]] returned_items<Item> returned_;
};

}  // namespace v1
}  // namespace coir
