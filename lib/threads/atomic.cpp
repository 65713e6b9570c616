// atomic.cpp - those who wait for an atomic to change, by its address.
// SPDX-License-Identifier: BSL-1.0
#include <coir/atomic.hpp>

#include <coir/uncancellable.hpp>
#include <coir/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "arch/fork.hpp"
#include "base/assert.hpp"
#include "sched/waiter_chain.hpp"

namespace coir {
inline namespace v1 {
namespace {

// Nobody notifies in vain for long: who finds no waiters looks no further.
//
//     who waits                      who notifies
//     ++waiting          (a)         stores the value        (c)
//     unchanged ?        (b)         waiting ?  none : done  (d)
//
// Fences between (a) and (b), and between (c) and (d): one of the two sees the other.
struct alignas(64) bucket {
  spinlock lock;
  std::atomic<std::uint32_t> waiting{0};
  wait_list waiters;  // under lock; of all addresses that fall here
};

constexpr std::size_t buckets = 256;
constinit bucket table[buckets];

bucket& bucket_of(const volatile void* address) noexcept {
  auto bits = reinterpret_cast<std::uintptr_t>(address) >> 2;
  return table[(bits * 0x9e3779b97f4a7c15U) >> 56];
}

// Waiters that a child of fork() finds are of its parent, and so is who may have held a lock.
void forget_waiters() {
  for (bucket& each : table) {
    each.lock.unlock();
    // Relaxed: a child has one thread.
    each.waiting.store(0, std::memory_order_relaxed);
    each.waiters = {};
  }
}

// The next waiter from `from` on that waits on `address`; null where there is none.
waiter* next_on(waiter* from, const volatile void* address) noexcept {
  while (from != nullptr && from->slot != const_cast<void*>(address)) from = from->next;
  return from;
}

}  // namespace

void wait_on_address(const volatile void* address, bool (*unchanged)(const void*),
                     const void* asked) noexcept {
  static const bool watched = (forget_in_children(&forget_waiters), true);
  static_cast<void>(watched);
  uncancellable since_it_is_noexcept;
  bucket& own = bucket_of(address);
  waiter w("an atomic to change");
  w.slot = const_cast<void*>(address);
  // Relaxed: ordered by the fence. (a)
  own.waiting.fetch_add(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  own.lock.lock();
  if (unchanged(asked)) {
    own.waiters.push_back(w);
    if (wait(w, own.lock) == wait_outcome::deadlock)
      abort_with("deadlock: nobody can ever notify who waits for an atomic");
  } else {
    own.lock.unlock();
  }
  // Relaxed: one who still sees it looks in vain.
  own.waiting.fetch_sub(1, std::memory_order_relaxed);
}

void wake_on_address(const volatile void* address, bool all) noexcept {
  bucket& own = bucket_of(address);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // Relaxed: ordered by the fence. (d)
  if (own.waiting.load(std::memory_order_relaxed) == 0) return;
  waiter_chain woken;
  {
    std::lock_guard guard(own.lock);
    for (waiter* w = next_on(own.waiters.first, address); w != nullptr;) {
      waiter* after = next_on(w->next, address);
      own.waiters.remove(*w);
      if (w->decide_success()) {
        woken.add(*w);
        if (!all) break;
      }
      w = after;
    }
  }
  woken.resume();
}

}  // namespace v1
}  // namespace coir
