// inbox.hpp - fibers that others made ready for a worker; any thread puts, the worker takes all.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>
#include <coir/shared_word.hpp>

#include <utility>

namespace coir {
inline namespace v1 {

// A list linked by fiber::next, newest first, that the worker takes whole and reverses. A thief
// takes those that are not pinned, and the others stay where they are:
//
//     first_ -> e -> d -> c* -> b -> a*     a: the oldest; * pinned
//     first_ -----------> c* ------> a*     what a thief leaves
//
// So takers walk the list while others put before its first: they come one at a time, under the
// worker's guard. Otherwise a thief that walks on from c finds what the worker has taken meanwhile
// and turned round, and takes a fiber that the worker has as well.
class inbox {
 public:
  // Any thread.
  void put(fiber& f) noexcept {
    // Relaxed: the exchange below publishes.
    fiber* first = first_.load(std::memory_order_relaxed);
    do {
      f.next = first;
      // Sequentially consistent: this write and the look at the worker's parking word that follows
      // are not reordered, as its parking and its look at this word are not (parking.hpp).
    } while (!first_.compare_exchange_weak(first, &f, std::memory_order_seq_cst));
  }

  bool empty() const noexcept {
    // Sequentially consistent: see put().
    return first_.load(std::memory_order_seq_cst) == nullptr;
  }

  // All fibers, oldest first, linked by fiber::next. Under the worker's guard.
  fiber* take() noexcept {
    // Acquire: pairs with the exchange in put().
    fiber* newest = first_.exchange(nullptr, std::memory_order_acquire);
    fiber* oldest = nullptr;
    while (newest != nullptr) {
      fiber* older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    return oldest;
  }

  // The same, by a thief, of those that are not pinned; they are at home with him from here on.
  fiber* take_unpinned(worker& thief) noexcept {
    // Acquire: pairs with the exchange in put().
    fiber* first = first_.load(std::memory_order_acquire);
    fiber* kept;
    do {
      kept = first;
      while (kept != nullptr && !kept->pinned) kept = kept->next;
      // Acquire: as above, where one has come meanwhile.
    } while (first != kept &&
             !first_.compare_exchange_weak(first, kept, std::memory_order_acquire));
    fiber* oldest = nullptr;
    auto take = [&](fiber& f) {
      // Relaxed: under the guard; whoever looks next has entered it.
      f.home.store(&thief, std::memory_order_relaxed);
      f.next = oldest;
      oldest = &f;
    };
    while (first != kept) take(*std::exchange(first, first->next));
    while (kept != nullptr && kept->next != nullptr) {
      fiber& f = *kept->next;
      if (f.pinned) {
        kept = &f;
      } else {
        kept->next = f.next;
        take(f);
      }
    }
    return oldest;
  }

 private:
  atomic_cell<fiber*> first_{nullptr};
};

}  // namespace v1
}  // namespace coir
