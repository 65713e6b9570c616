// cancelled.hpp - what is thrown out of a wait that was asked to end.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>
#include <string>

namespace coir {
inline namespace v1 {

// A request to end, delivered at a wait. Not derived from std::exception, so that code which copes
// with errors does not stop it; a `catch (...)` wants a `throw;`.
class cancelled {
 public:
  cancelled() = default;
  virtual ~cancelled();
};

// A deadline passed.
class timed_out : public std::runtime_error {
 public:
  timed_out() : runtime_error("timed out") {}
  ~timed_out() override;
};

// Nobody can ever end this wait; what() names every fiber and what it waits on.
class deadlock : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
  ~deadlock() override;
};

}  // namespace v1
}  // namespace coir
