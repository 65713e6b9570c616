// mapping.hpp - what the kernel does for stacks: address space, guards, pages given back.
// SPDX-License-Identifier: BSL-1.0
//
// The seam to the operating system. Addresses and sizes are whole pages unless said. What fails
// leaves the reason in errno.
#pragma once

#include <cstddef>

namespace coir {
inline namespace v1 {

// 4 KiB on most machines, up to 64 KiB on some; never assumed.
std::size_t page_size() noexcept;

inline std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
  return (bytes + unit - 1) / unit * unit;
}

// Readable and writable zeroes that cost no memory until they are touched, and never as a huge
// page: that would make a sparse array of stacks resident. Null when the kernel refuses.
std::byte* map_pages(std::size_t bytes) noexcept;

void unmap_pages(std::byte* base, std::size_t bytes) noexcept;

// Makes every access a fault, for good: by a mark in the page table, which costs no mapping.
// False where the kernel does not know how, or may not (locked memory).
bool guard_by_mark(std::byte* base, std::size_t bytes) noexcept;

// The same by access rights, which splits the mapping: two more for each guard.
bool guard_by_rights(std::byte* base, std::size_t bytes) noexcept;

// The pages read as zeroes when next touched. Does nothing where memory is locked.
void give_back(std::byte* base, std::size_t bytes) noexcept;

// Bytes from `top` down to the lowest page above `limit` that is resident; any two addresses. A
// page that lies in part below `limit` is not looked at: others may have touched it. 0 where the
// kernel cannot say.
std::size_t resident_below(const std::byte* top, const std::byte* limit) noexcept;

// How many mappings a process may have, and how many bytes; the largest number where there is no
// limit.
std::size_t most_mappings() noexcept;
std::size_t most_address_space() noexcept;

}  // namespace v1
}  // namespace coir
