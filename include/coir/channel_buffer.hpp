// channel_buffer.hpp - the values between those who have sent and those who will receive.
// SPDX-License-Identifier: BSL-1.0
// Budget: a push or a pop on the way to the next stop is one compare, one move and one addition.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace coir {
inline namespace v1 {

// A channel that holds as many values as there is memory for.
inline constexpr std::size_t unbounded = SIZE_MAX;

// Memory for some items; they begin behind this, at the next address aligned for them.
struct channel_block {
  channel_block* next;
};

// Bounded: one block, made with the channel, used as a ring.
//
//     first_  [ . . | v | v | v | . . . ]
//                   ^head_      ^tail_      at the end of the block both turn to its beginning
//
// Unbounded: a chain of blocks, so that nothing ever moves and each step takes the same time.
//
//     first_  [ . . . | v ] -> [ v | v | v | v ] -> [ v | . . . ]  last_     [ . . . . ]  spare_
//                     ^head_                            ^tail_
//
// A block that has been emptied is kept for the next one to be needed. Guarded by the channel.
//
// Each side goes on without a look at the other, or at anything else, until it comes to its stop:
//
//     [ v | v | v | v | v | . | . | . ]
//       ^head_      ^head_stop_ ^tail_    ^tail_stop_
//
// A stop is where the items, the room or the block ended when it was put there: since then there
// can only be more. A side that is to look is stopped where it stands, and so stays after push()
// and pop().
class channel_buffer {
 public:
  channel_buffer(std::size_t item_size, std::size_t item_alignment, std::size_t capacity);
  channel_buffer(const channel_buffer&) = delete;
  channel_buffer& operator=(const channel_buffer&) = delete;
  ~channel_buffer();  // the items are gone by then

  bool empty() const noexcept { return bytes() == 0; }
  bool full() const noexcept { return bytes() >= limit_bytes_; }
  std::size_t size() const noexcept { return bytes() / item_size_; }
  std::size_t capacity() const noexcept { return limit_; }

  // While it may go on.
  bool may_push() const noexcept { return tail_ != tail_stop_; }
  template <class Item>
  [[gnu::always_inline]] void push_on(Item&& item) noexcept {
    ::new (tail_) std::remove_cvref_t<Item>(std::forward<Item>(item));
    tail_ += sizeof(Item);
  }
  bool may_pop() const noexcept { return head_ != head_stop_; }
  template <class Item>
  [[gnu::always_inline]] void pop_on() noexcept {
    std::destroy_at(&front<Item>());
    head_ += sizeof(Item);
  }

  void stop_pushing() noexcept { tail_stop_ = tail_; }
  void stop_popping() noexcept { head_stop_ = head_; }
  void go_on_pushing() noexcept { tail_stop_ = tail_ + std::min(room_in_block(), room()); }
  void go_on_popping() noexcept { head_stop_ = head_ + std::min(left_in_block(), bytes()); }

  // Makes the place for push(). False where that takes memory: add(make_block()) first.
  bool reserve() noexcept { return tail_ != tail_end_ || turn_tail(); }

  template <class Item>
  [[gnu::always_inline]] void push(Item&& item) noexcept {
    push_on(std::forward<Item>(item));
    stop_pushing();
  }

  // Turns to the oldest item. What it gives is no longer needed: for drop_block().
  [[nodiscard]] channel_block* turn() noexcept {
    return head_ != head_end_ ? nullptr : turn_head();
  }

  // The oldest item, after turn().
  template <class Item>
  [[gnu::always_inline]] Item& front() noexcept {
    return *std::launder(reinterpret_cast<Item*>(head_));
  }
  template <class Item>
  [[gnu::always_inline]] void pop() noexcept {
    pop_on<Item>();
    stop_popping();
  }

  // Not under the lock; throws std::bad_alloc.
  channel_block* make_block() const;
  void drop_block(channel_block* block) const noexcept;

  // Takes a block for reserve(); gives back what it has no use for.
  [[nodiscard]] channel_block* add(channel_block* block) noexcept;

 private:
  // What is between the two, over all blocks.
  std::size_t bytes() const noexcept { return address(tail_) - address(head_) + gap_; }
  std::size_t room() const noexcept { return limit_bytes_ - bytes(); }
  std::size_t room_in_block() const noexcept { return address(tail_end_) - address(tail_); }
  std::size_t left_in_block() const noexcept { return address(head_end_) - address(head_); }
  static std::uintptr_t address(const std::byte* at) noexcept {
    return reinterpret_cast<std::uintptr_t>(at);
  }

  [[gnu::noinline, gnu::cold]] bool turn_tail() noexcept;
  [[gnu::noinline, gnu::cold]] channel_block* turn_head() noexcept;
  std::byte* items_of(channel_block* block) const noexcept;
  std::byte* end_of(channel_block* block) const noexcept;

  std::byte* tail_ = nullptr;
  std::byte* tail_stop_ = nullptr;
  std::byte* head_ = nullptr;
  std::byte* head_stop_ = nullptr;
  std::byte* tail_end_ = nullptr;
  std::byte* head_end_ = nullptr;
  std::uintptr_t gap_ = 0;   // what the turns have added to the distance from head_ to tail_
  std::size_t limit_bytes_;  // SIZE_MAX when unbounded
  std::size_t limit_;
  channel_block* first_ = nullptr;
  channel_block* last_ = nullptr;
  channel_block* spare_ = nullptr;
  std::size_t item_size_;
  std::size_t items_offset_;
  std::size_t items_bytes_;  // in a block
  std::size_t alignment_;
};

}  // namespace v1
}  // namespace coir
