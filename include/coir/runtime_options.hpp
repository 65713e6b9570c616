// runtime_options.hpp - how a runtime is set up.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace coir {
inline namespace v1 {

struct runtime_options {
  std::string name = {};
  unsigned workers = 1;                // 0: one per core
  std::size_t stack_size = 64 * 1024;  // of fibers that ask for no other, in bytes
  std::size_t guard_size = 16 * 1024;  // below each stack, in bytes; 0 for none

  // Told of an exception that ended a fiber and that nobody looked at, when the last handle goes.
  // Empty: a line on stderr.
  std::function<void(std::string_view fiber, std::exception_ptr)> on_unhandled = {};

  // A fiber that keeps its worker longer is reported on stderr; zero for never.
  std::chrono::nanoseconds warn_if_running_longer_than = {};
};

}  // namespace v1
}  // namespace coir
