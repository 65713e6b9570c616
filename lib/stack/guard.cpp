// guard.cpp - which kind of guard a stack gets, and how many of the costly kind there may be.
// SPDX-License-Identifier: BSL-1.0
#include "stack/guard.hpp"

#include "stack/mapping.hpp"

#include <atomic>
#include <cerrno>

#if defined(__linux__)
#include <sys/utsname.h>
#endif

namespace coir {
inline namespace v1 {
namespace {

constexpr std::size_t mappings_per_guard = 2;  // the guard, and what lies above it

// Whether the kernel refuses to write there. Emulators take advice that they do not know for a
// hint, say yes and do nothing.
bool is_guarded([[maybe_unused]] std::byte* page) noexcept {
#if defined(__linux__)
  return uname(reinterpret_cast<utsname*>(page)) != 0 && errno == EFAULT;
#else
  return false;
#endif
}

bool kernel_has_light_guards() noexcept {
  std::byte* page = map_pages(page_size());
  if (page == nullptr) return false;
  bool works = guard_by_mark(page, page_size()) && is_guarded(page);
  unmap_pages(page, page_size());
  return works;
}

// Any thread. relaxed throughout: a count and a flag that publish nothing.
struct policy {
  std::atomic<bool> light{kernel_has_light_guards()};
  std::atomic<std::size_t> mappings_left{most_mappings() / 4 * 3};
};

policy& the_policy() noexcept {
  static policy instance;
  return instance;
}

bool spend_mappings() noexcept {
  std::atomic<std::size_t>& left = the_policy().mappings_left;
  std::size_t seen = left.load(std::memory_order_relaxed);  // relaxed: only a count
  do {
    if (seen < mappings_per_guard) return false;
  } while (!left.compare_exchange_weak(seen, seen - mappings_per_guard,
                                       std::memory_order_relaxed));  // relaxed: only a count
  return true;
}

}  // namespace

guard_result put_guard(std::byte* base, std::size_t bytes, bool try_light) noexcept {
  if (try_light && light_guards() && guard_by_mark(base, bytes)) return guard_result::light;
  if (!spend_mappings()) return guard_result::none_left;
  if (guard_by_rights(base, bytes)) return guard_result::heavy;
  // relaxed: only a count
  the_policy().mappings_left.fetch_add(mappings_per_guard, std::memory_order_relaxed);
  return guard_result::none_left;
}

bool light_guards() noexcept {
  return the_policy().light.load(std::memory_order_relaxed);  // relaxed: publishes nothing
}

void set_guard_limits(guard_limits limits) noexcept {
  // relaxed: a test calls this before the threads that should see it begin
  the_policy().light.store(limits.light, std::memory_order_relaxed);
  the_policy().mappings_left.store(limits.mappings, std::memory_order_relaxed);
}

}  // namespace v1
}  // namespace coir
