// futex.hpp - sleeping on a word of memory, by the kernel.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/deadline.hpp>
#include <coir/shared_word.hpp>

#include <cstdint>

namespace coir {
inline namespace v1 {

// Sleeps while `word` is `value`, until woken or until `end`; may return early for no reason. False
// when the deadline has passed. On the real clock, whatever the virtual one says.
bool futex_wait(atomic_cell<std::uint32_t>& word, std::uint32_t value, deadline end) noexcept;

// Wakes everyone that sleeps on `word`; the word itself is not looked at and may be gone.
void futex_wake(atomic_cell<std::uint32_t>& word) noexcept;

}  // namespace v1
}  // namespace coir
