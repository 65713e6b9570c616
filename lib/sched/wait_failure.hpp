// wait_failure.hpp - what is thrown when a wait ends without what was waited for.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/fiber.hpp>
#include <coir/wait.hpp>

#include <cstdint>
#include <utility>

namespace coir {
inline namespace v1 {

inline void throw_unless_success(wait_outcome outcome) {
  if (outcome != wait_outcome::success) [[unlikely]]
    throw_wait_failure(outcome);
}

// Knows the fiber that a cancellation was thrown in. If that goes on after a `catch (...)` which
// did not throw again, a debug build says so, once for each fiber: there is nothing else to see of
// it.
class delivery {
 public:
  explicit delivery(const fiber& to) noexcept : to_(to.id) {}
  delivery(const delivery&) = default;
  delivery& operator=(const delivery&) = default;
  virtual ~delivery();

 private:
  std::uint64_t to_;
};

// The exception as the library throws it. Not at the beginning of the object: a handler for
// `cancelled` and a `catch (...)` are given different addresses, by which they are told apart.
template <class Cancelled>
class delivered final : public delivery, public Cancelled {
 public:
  template <class... Args>
  explicit delivered(const fiber& to, Args&&... args)
      : delivery(to), Cancelled(std::forward<Args>(args)...) {}
};

}  // namespace v1
}  // namespace coir
