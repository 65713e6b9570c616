// fiber_pool.cpp - slabs of control blocks, a list of free ones per thread.
// SPDX-License-Identifier: BSL-1.0
#include "fiber/fiber_pool.hpp"

#include <coir/arch.hpp>

#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "arch/fork.hpp"

namespace coir {
inline namespace v1 {
namespace {

constexpr std::size_t blocks_per_slab = 128;

struct slab {
  fiber blocks[blocks_per_slab];
};

// What the threads share. Never destroyed: a thread may end after main's statics.
struct depot {
  std::mutex mutex;
  fiber* free = nullptr;      // under mutex, linked by fiber::next
  std::vector<slab*> slabs;   // under mutex
  std::uint64_t next_id = 1;  // under mutex

  static depot& instance() {
    static depot* const only = make();
    return *only;
  }

  // Both under mutex.
  void put(fiber& f) noexcept {
    f.next = free;
    free = &f;
  }
  fiber* take() noexcept {
    fiber* f = free;
    if (f != nullptr) free = f->next;
    return f;
  }

 private:
  static depot* make() {
    auto* made = new depot;
    hold_over_forks(
        lock_of_process::fibers, [] { instance().mutex.lock(); },
        [] { instance().mutex.unlock(); });
    return made;
  }
};

// Under the lock: a visitor may be reading it.
void forget_words(fiber& f) noexcept {
  std::lock_guard lock(f.lock);
  std::free(std::exchange(f.name, nullptr));
  std::free(std::exchange(f.cancel_message, nullptr));
}

}  // namespace

fiber_cache& fiber_cache::make() {
  thread_local fiber_cache own;
  calling_thread().fibers = &own;
  return own;
}

fiber_cache::~fiber_cache() {
  calling_thread().fibers = nullptr;
  give_back(0);
}

void fiber_cache::refill() {
  depot& shared = depot::instance();
  std::lock_guard lock(shared.mutex);
  if (first_ == nullptr) {
    if (shared.free == nullptr) {
      shared.slabs.reserve(shared.slabs.size() + 1);
      auto* made = new slab;
      shared.slabs.push_back(made);
      for (fiber& f : made->blocks) shared.put(f);
    }
    for (fiber* f; size_ < batch && (f = shared.take()) != nullptr; ++size_)
      f->next = std::exchange(first_, f);
  }
  if (next_id_ == last_id_) {
    next_id_ = shared.next_id;
    last_id_ = shared.next_id += numbers;
  }
}

void fiber_cache::give_back(std::size_t keep) noexcept {
  depot& shared = depot::instance();
  std::lock_guard lock(shared.mutex);
  for (; size_ > keep; --size_) shared.put(*std::exchange(first_, first_->next));
}

void drop_failure(fiber& f) noexcept {
  if (f.unhandled != nullptr) std::exchange(f.unhandled, nullptr)->lose(f);
  f.failure = nullptr;
  f.ended_cancelled = false;
}

void recycle_fiber(fiber& f) noexcept {
  drop_outcome(f);
  // Also where there was no failure: who waits for several looks at all of them beforehand.
  // Relaxed: nobody else knows this fiber any more.
  f.looked_at.store(0, std::memory_order_relaxed);
  if (f.name != nullptr || f.cancel_message != nullptr) forget_words(f);
  // Relaxed: a visitor compares it, no more.
  f.runtime.store(nullptr, std::memory_order_relaxed);
  // Release: a visitor that finds 0 keeps away.
  f.references.store(0, std::memory_order_release);
  fiber_cache::mine().put(f);
}

void prepare_fibers() {
  depot::instance();
}

void visit_fibers(const std::function<void(fiber&)>& visit) {
  std::vector<slab*> slabs;
  {
    depot& shared = depot::instance();
    std::lock_guard lock(shared.mutex);
    slabs = shared.slabs;
  }
  for (slab* s : slabs) {
    for (fiber& f : s->blocks) {
      // Acquire: pairs with the release in make_fiber().
      if (f.references.load(std::memory_order_acquire) != 0) visit(f);
    }
  }
}

}  // namespace v1
}  // namespace coir
