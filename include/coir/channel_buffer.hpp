// channel_buffer.hpp - the values between those who have sent and those who will receive.
// SPDX-License-Identifier: BSL-1.0
// Budget: a push or a pop is two compares, a store and two additions.
#pragma once

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
class channel_buffer {
 public:
  channel_buffer(std::size_t item_size, std::size_t item_alignment, std::size_t capacity);
  channel_buffer(const channel_buffer&) = delete;
  channel_buffer& operator=(const channel_buffer&) = delete;
  ~channel_buffer();  // the items are gone by then

  bool empty() const noexcept { return count_ == 0; }
  bool full() const noexcept { return count_ >= limit_; }
  std::size_t size() const noexcept { return count_; }
  std::size_t capacity() const noexcept { return limit_; }

  // Makes the place for push(). False where that takes memory: add(make_block()) first.
  bool reserve() noexcept { return has_place() || turn_tail(); }
  bool has_place() const noexcept { return tail_ != tail_end_; }

  template <class Item>
  [[gnu::always_inline]] void push(Item&& item) noexcept {
    ::new (tail_) std::remove_cvref_t<Item>(std::forward<Item>(item));
    tail_ += sizeof(Item);
    ++count_;
  }

  // Turns to the oldest item. What it gives is no longer needed: for drop_block().
  [[nodiscard]] channel_block* turn() noexcept { return at_front() ? nullptr : turn_head(); }
  bool at_front() const noexcept { return head_ != head_end_; }

  // The oldest item, after turn().
  template <class Item>
  [[gnu::always_inline]] Item& front() noexcept {
    return *std::launder(reinterpret_cast<Item*>(head_));
  }
  template <class Item>
  [[gnu::always_inline]] void pop() noexcept {
    std::destroy_at(&front<Item>());
    head_ += sizeof(Item);
    --count_;
  }

  // Not under the lock; throws std::bad_alloc.
  channel_block* make_block() const;
  void drop_block(channel_block* block) const noexcept;

  // Takes a block for reserve(); gives back what it has no use for.
  [[nodiscard]] channel_block* add(channel_block* block) noexcept;

 private:
  [[gnu::noinline, gnu::cold]] bool turn_tail() noexcept;
  [[gnu::noinline, gnu::cold]] channel_block* turn_head() noexcept;
  std::byte* items_of(channel_block* block) const noexcept;
  std::byte* end_of(channel_block* block) const noexcept;

  std::byte* head_ = nullptr;
  std::byte* tail_ = nullptr;
  std::size_t count_ = 0;
  std::size_t limit_;
  std::byte* head_end_ = nullptr;
  std::byte* tail_end_ = nullptr;
  channel_block* first_ = nullptr;
  channel_block* last_ = nullptr;
  channel_block* spare_ = nullptr;
  std::size_t items_offset_;
  std::size_t items_bytes_;  // in a block
  std::size_t alignment_;
};

}  // namespace v1
}  // namespace coir
