// timer_heap.cpp - the waiters of one worker that have a deadline, soonest first.
// SPDX-License-Identifier: BSL-1.0
#include "sched/timer_heap.hpp"

#include <algorithm>

namespace coir {
inline namespace v1 {

void timer_heap::insert(waiter& w) {
  entry e{w.until.nanoseconds(), &w};
  entries_.push_back(e);
  w.timer_turn = next_turn_++;
  sift_up(entries_.size() - 1, e);
}

void timer_heap::remove(waiter& w) noexcept {
  std::size_t index = w.timer_index;
  entry last = entries_.back();
  entries_.pop_back();
  if (index == entries_.size()) return;
  if (index > 0 && before(last, entries_[(index - 1) / 4])) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

void timer_heap::sift_up(std::size_t index, entry e) noexcept {
  while (index > 0) {
    std::size_t parent = (index - 1) / 4;
    if (!before(e, entries_[parent])) break;
    place(index, entries_[parent]);
    index = parent;
  }
  place(index, e);
}

void timer_heap::sift_down(std::size_t index, entry e) noexcept {
  while (true) {
    std::size_t child = index * 4 + 1;
    if (child >= entries_.size()) break;
    std::size_t end = std::min(child + 4, entries_.size());
    std::size_t least = child;
    while (++child < end)
      if (before(entries_[child], entries_[least])) least = child;
    if (!before(entries_[least], e)) break;
    place(index, entries_[least]);
    index = least;
  }
  place(index, e);
}

}  // namespace v1
}  // namespace coir
