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

namespace coir {
inline namespace v1 {
namespace {

constexpr std::size_t blocks_per_slab = 128;

struct slab {
  fiber blocks[blocks_per_slab];
};

// Blocks that are free, linked by fiber::next.
struct free_list {
  fiber* first = nullptr;
  std::size_t size = 0;

  void push(fiber& f) noexcept {
    f.next = first;
    first = &f;
    ++size;
  }
  fiber* pop() noexcept {
    fiber* f = first;
    if (f != nullptr) {
      first = f->next;
      --size;
    }
    return f;
  }
};

// What the threads share. Never destroyed: a thread may end after main's statics.
struct depot {
  std::mutex mutex;
  free_list free;             // under mutex
  std::vector<slab*> slabs;   // under mutex
  std::uint64_t next_id = 1;  // under mutex

  static depot& instance() {
    static depot* const only = new depot;
    return *only;
  }
};

// A thread's own blocks and numbers; what is left goes back when the thread ends.
struct thread_list {
  static constexpr std::size_t batch = 64;
  static constexpr std::uint64_t numbers = 1024;

  free_list free;
  std::uint64_t next_id = 0;
  std::uint64_t last_id = 0;

  ~thread_list() { give_back(0); }

  void give_back(std::size_t keep) noexcept {
    if (free.size <= keep) return;
    depot& shared = depot::instance();
    std::lock_guard lock(shared.mutex);
    while (free.size > keep) shared.free.push(*free.pop());
  }

  void refill() {
    depot& shared = depot::instance();
    std::lock_guard lock(shared.mutex);
    if (shared.free.size == 0) {
      shared.slabs.reserve(shared.slabs.size() + 1);
      auto* made = new slab;
      shared.slabs.push_back(made);
      for (fiber& f : made->blocks) shared.free.push(f);
    }
    while (free.size < batch && shared.free.size != 0) free.push(*shared.free.pop());
  }

  std::uint64_t number() {
    if (next_id == last_id) {
      depot& shared = depot::instance();
      std::lock_guard lock(shared.mutex);
      next_id = shared.next_id;
      last_id = shared.next_id += numbers;
    }
    return next_id++;
  }
};

// Not inlined: the address must not be kept over a switch.
[[gnu::noinline]] thread_list& own_list() {
  thread_local thread_list list;
  return list;
}

// Under the lock: a visitor may be reading it.
void forget_name(fiber& f) noexcept {
  std::lock_guard lock(f.lock);
  std::free(std::exchange(f.name, nullptr));
}

}  // namespace

fiber& make_fiber() {
  thread_list& list = own_list();
  if (list.free.first == nullptr) list.refill();
  std::uint64_t id = list.number();
  fiber& f = *list.free.pop();
  f.id = id;
  f.next = nullptr;
  f.pinned = f.handed_over = false;
  // Relaxed: nobody else knows this fiber yet; what publishes it, publishes this.
  f.cancel_pending.store(false, std::memory_order_relaxed);
  // Relaxed: nobody else knows this fiber yet; what publishes it, publishes this.
  f.told_of_end.store(false, std::memory_order_relaxed);
  // Relaxed: nobody else knows this fiber yet; what publishes it, publishes this.
  f.state.store(fiber_state::fresh, std::memory_order_relaxed);
  // Release: one who finds the block in its slab takes its reference by an acquire.
  f.references.store(2, std::memory_order_release);
  return f;
}

bool drop_reference(fiber& f) noexcept {
  // Acquire: the last one sees what all others did. Alone already: nobody can come any more.
  return f.references.load(std::memory_order_acquire) == 1 ||
         // Release and acquire: pairs with itself in the other holders.
         f.references.fetch_add(~std::uint64_t{0}, std::memory_order_acq_rel) == 1;
}

void recycle_fiber(fiber& f) noexcept {
  if (f.operations != nullptr) f.operations->destroy(f);
  f.operations = nullptr;
  f.failure = nullptr;
  if (f.name != nullptr) forget_name(f);
  // Relaxed: a visitor compares it, no more.
  f.runtime.store(nullptr, std::memory_order_relaxed);
  // Release: a visitor that finds 0 keeps away.
  f.references.store(0, std::memory_order_release);
  thread_list& list = own_list();
  list.free.push(f);
  if (list.free.size > 4 * thread_list::batch) list.give_back(2 * thread_list::batch);
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
