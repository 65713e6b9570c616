// timer_heap.hpp - the waiters of one worker that have a deadline, soonest first, and of equal ones
// the one that came first.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace coir {
inline namespace v1 {

// A heap of four children a node: half as deep as a binary one, and the children of a node share
// two cache lines. The deadlines stand beside the pointers, so that sifting touches no waiter but
// to tell it its index, and where deadlines are equal: by the virtual clock they often are. Guarded
// by its owner's timer lock.
class timer_heap {
 public:
  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }
  std::int64_t soonest() const noexcept { return entries_.front().at; }
  waiter& first() const noexcept { return *entries_.front().who; }

  // Throws std::bad_alloc, and then nothing is lost.
  void insert(waiter& w);
  void remove(waiter& w) noexcept;

 private:
  struct entry {
    std::int64_t at;
    waiter* who;
  };

  // Turns go round; two that are half a round apart may change places.
  static bool before(const entry& a, const entry& b) noexcept {
    if (a.at != b.at) return a.at < b.at;
    return static_cast<std::int32_t>(a.who->timer_turn - b.who->timer_turn) < 0;
  }
  void place(std::size_t index, entry e) noexcept {
    entries_[index] = e;
    e.who->timer_index = static_cast<std::uint32_t>(index);
  }
  void sift_up(std::size_t index, entry e) noexcept;
  void sift_down(std::size_t index, entry e) noexcept;

  std::vector<entry> entries_;
  std::uint32_t next_turn_ = 0;
};

}  // namespace v1
}  // namespace coir
