// mapping.cpp - what the kernel does for stacks: address space, guards, pages given back.
// SPDX-License-Identifier: BSL-1.0
#include "stack/mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace coir {
inline namespace v1 {
namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

// What some systems do not have is 0, and asked for with no effect.
#if defined(MAP_NORESERVE)
constexpr int map_noreserve = MAP_NORESERVE;
#else
constexpr int map_noreserve = 0;
#endif
#if defined(MAP_STACK)
constexpr int map_stack = MAP_STACK;
#else
constexpr int map_stack = 0;
#endif

#if defined(__linux__)
constexpr int madv_guard_install = 102;  // Linux 6.13; newer than most headers
using residence = unsigned char;
#else
using residence = char;
#endif

}  // namespace

std::size_t page_size() noexcept {
  static const std::size_t bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::byte* map_pages(std::size_t bytes) noexcept {
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | map_noreserve | map_stack, -1, 0);
  if (base == MAP_FAILED) return nullptr;
#if defined(MADV_NOHUGEPAGE)
  madvise(base, bytes, MADV_NOHUGEPAGE);  // refused by a kernel that has no huge pages: as well
#endif
  return static_cast<std::byte*>(base);
}

void unmap_pages(std::byte* base, std::size_t bytes) noexcept {
  munmap(base, bytes);
}

bool guard_by_mark([[maybe_unused]] std::byte* base, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__)
  return madvise(base, bytes, madv_guard_install) == 0;
#else
  return false;
#endif
}

bool guard_by_rights(std::byte* base, std::size_t bytes) noexcept {
  return mprotect(base, bytes, PROT_NONE) == 0;
}

void give_back(std::byte* base, std::size_t bytes) noexcept {
  // Not MADV_FREE: it is cheaper to touch again, but the memory stays on the process's bill.
  madvise(base, bytes, MADV_DONTNEED);
}

std::size_t resident_below(const std::byte* top, const std::byte* limit) noexcept {
  const std::size_t page = page_size();
  const auto end = reinterpret_cast<std::uintptr_t>(top);
  std::uintptr_t at = round_up(reinterpret_cast<std::uintptr_t>(limit), page);
  std::array<residence, 512> pages;
  // An emulator of large pages answers for the small ones of its host: there is room for those.
  const std::size_t most = std::max<std::size_t>(pages.size() * 4096 / page, 1);
  while (at < end) {
    std::size_t count = std::min(most, (end - at + page - 1) / page);
    if (mincore(reinterpret_cast<void*>(at), count * page, pages.data()) != 0) return 0;
    for (std::size_t i = 0; i < count; ++i)
      if ((pages[i] & 1) != 0) return end - (at + i * page);
    at += count * page;
  }
  return 0;
}

std::size_t most_mappings() noexcept {
  int file = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
  if (file < 0) return no_limit;
  std::array<char, 32> text;
  ssize_t length = read(file, text.data(), text.size());
  close(file);
  std::size_t value = 0;
  for (ssize_t i = 0; i < length; ++i) {
    char digit = text[static_cast<std::size_t>(i)];
    if (digit < '0' || digit > '9') break;
    value = value * 10 + static_cast<std::size_t>(digit - '0');
  }
  return value;
}

std::size_t most_address_space() noexcept {
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return no_limit;
  return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, no_limit));
}

}  // namespace v1
}  // namespace coir
