// channel_buffer.cpp - the memory of the values in a channel.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel_buffer.hpp>

#include <algorithm>
#include <stdexcept>

namespace coir {
inline namespace v1 {
namespace {

// A block of an unbounded channel: four of them to a page, and no fewer than eight items.
constexpr std::size_t block_bytes = 1024 - 2 * sizeof(void*);
constexpr std::size_t least_items = 8;

std::size_t items_per_block(std::size_t item_size, std::size_t capacity) {
  if (capacity == unbounded) return std::max(block_bytes / item_size, least_items);
  if (capacity > PTRDIFF_MAX / 2 / item_size)
    throw std::invalid_argument("channel: a capacity beyond all memory");
  return capacity;
}

}  // namespace

channel_buffer::channel_buffer(std::size_t item_size, std::size_t item_alignment,
                               std::size_t capacity)
    : limit_(capacity),
      item_size_(item_size),
      items_offset_(std::max(sizeof(channel_block), item_alignment)),
      items_bytes_(items_per_block(item_size, capacity) * item_size),
      alignment_(std::max(alignof(channel_block), item_alignment)) {
  limit_bytes_ = capacity == unbounded ? SIZE_MAX : items_bytes_;
  if (capacity == 0) return;
  first_ = last_ = make_block();
  head_ = tail_ = head_stop_ = items_of(first_);
  head_end_ = tail_end_ = end_of(first_);
  go_on_pushing();
}

channel_buffer::~channel_buffer() {
  while (first_ != nullptr) drop_block(std::exchange(first_, first_->next));
  if (spare_ != nullptr) drop_block(spare_);
}

channel_block* channel_buffer::make_block() const {
  void* memory = ::operator new(items_offset_ + items_bytes_, std::align_val_t(alignment_));
  return ::new (memory) channel_block{nullptr};
}

void channel_buffer::drop_block(channel_block* block) const noexcept {
  ::operator delete(block, std::align_val_t(alignment_));
}

channel_block* channel_buffer::add(channel_block* block) noexcept {
  if (spare_ == nullptr) return std::exchange(spare_, block), nullptr;
  return block;
}

bool channel_buffer::turn_tail() noexcept {
  if (limit_ == unbounded) {
    if (spare_ == nullptr) return false;
    last_->next = spare_;
    last_ = std::exchange(spare_, nullptr);
    last_->next = nullptr;
  }
  gap_ += address(tail_) - address(items_of(last_));
  tail_ = tail_stop_ = items_of(last_);
  tail_end_ = end_of(last_);
  return true;
}

channel_block* channel_buffer::turn_head() noexcept {
  channel_block* waste = nullptr;
  if (limit_ == unbounded) waste = add(std::exchange(first_, first_->next));
  gap_ -= address(head_) - address(items_of(first_));
  head_ = head_stop_ = items_of(first_);
  head_end_ = end_of(first_);
  return waste;
}

std::byte* channel_buffer::items_of(channel_block* block) const noexcept {
  return reinterpret_cast<std::byte*>(block) + items_offset_;
}

std::byte* channel_buffer::end_of(channel_block* block) const noexcept {
  return items_of(block) + items_bytes_;
}

}  // namespace v1
}  // namespace coir
