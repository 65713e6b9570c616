// heavy_fence.hpp - a full barrier in every running thread of the process, by one of them.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// Registers the process with the kernel; whether heavy_fence() works here. Once is enough.
bool prepare_heavy_fence() noexcept;

// False, and no fence, where the system has none. Cost: one to three microseconds.
bool heavy_fence() noexcept;

}  // namespace v1
}  // namespace coir
