// cancelled.hpp - what is thrown out of a wait that was asked to end.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace coir {
inline namespace v1 {

// A request to end, delivered at a wait. Not derived from std::exception, so that code which copes
// with errors does not stop it; a `catch (...)` wants a `throw;`.
class cancelled {
 public:
  cancelled() = default;
  explicit cancelled(std::string message) : message_(std::move(message)) {}
  cancelled(const cancelled&) = default;
  cancelled& operator=(const cancelled&) = default;
  virtual ~cancelled();

  // What task::cancel() was given; empty where nothing was.
  const std::string& message() const noexcept { return message_; }

 private:
  std::string message_;
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
