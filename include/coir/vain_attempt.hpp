// vain_attempt.hpp - who tries a lock in a loop does not keep its worker from who holds it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// Engine level: an attempt that does not wait has failed; gives false. The running fiber lets the
// others run once in 64 of them: `while (!m.try_lock()) {}` ends for a thread, whom the system
// interrupts, and would not for a fiber that has the holder, or its timer, behind it.
[[gnu::cold]] bool attempt_failed() noexcept;

}  // namespace v1
}  // namespace coir
