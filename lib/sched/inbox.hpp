// inbox.hpp - fibers that others made ready for a worker; any thread puts, the worker takes all.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>
#include <coir/shared_word.hpp>

namespace coir {
inline namespace v1 {

// A list linked by fiber::next, newest first, that the worker takes whole and reverses.
class inbox {
 public:
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

  // All fibers, oldest first, linked by fiber::next.
  fiber* take() noexcept {
    // Relaxed: only whether the exchange is worth it.
    if (first_.load(std::memory_order_relaxed) == nullptr) return nullptr;
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

 private:
  atomic_cell<fiber*> first_{nullptr};
};

}  // namespace v1
}  // namespace coir
