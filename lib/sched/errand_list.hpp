// errand_list.hpp - fibers that a worker is to look at, since they were asked to end; any thread
// puts. SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>
#include <coir/spinlock.hpp>

#include <mutex>

namespace coir {
inline namespace v1 {

// A fiber is in one list at a time, whose place on its tour is in fiber::on_errand (request.hpp);
// the list holds a reference.
class errand_list {
 public:
  void put(fiber& f) noexcept {
    std::lock_guard guard(lock_);
    // Relaxed, here and below: written under the lock.
    f.next_errand = first_.load(std::memory_order_relaxed);
    first_.store(&f, std::memory_order_relaxed);
  }

  bool empty() const noexcept {
    // Relaxed: who puts calls the worker afterwards, and then its loop looks again.
    return first_.load(std::memory_order_relaxed) == nullptr;
  }

  // Null where there is none.
  fiber* take() noexcept {
    if (empty()) return nullptr;
    std::lock_guard guard(lock_);
    fiber* f = first_.load(std::memory_order_relaxed);
    if (f != nullptr) first_.store(f->next_errand, std::memory_order_relaxed);
    return f;
  }

 private:
  spinlock lock_;
  atomic_cell<fiber*> first_{nullptr};  // linked by fiber::next_errand
};

}  // namespace v1
}  // namespace coir
