// fiber_pool.hpp - where control blocks come from, and how all of them are visited.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

#include <functional>

namespace coir {
inline namespace v1 {

// A block with one reference for the fiber itself and one for its first handle. Its memory comes
// from slabs that are never anything else and never go back, so that a block may be looked at by
// one who holds no reference: he finds that fiber, another one, or none.
//
// Throws std::bad_alloc. Cost: a few nanoseconds from the thread's own list.
fiber& make_fiber();

// Drops a reference; whether it was the last one. Then the caller calls recycle_fiber().
bool drop_reference(fiber& f) noexcept;

// Destroys the payload, which runs the user's destructors, and gives the block back.
void recycle_fiber(fiber& f) noexcept;

inline void release_fiber(fiber& f) noexcept {
  if (drop_reference(f)) recycle_fiber(f);
}

// Calls `visit` for every fiber that exists. Nothing is held: the fiber may end and its block may
// be taken for another meanwhile, so only its atomic members and what its lock guards may be looked
// at.
void visit_fibers(const std::function<void(fiber&)>& visit);

}  // namespace v1
}  // namespace coir
