// generator_error.cpp - what generators throw, and how they die.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator_error.hpp>

#include "base/assert.hpp"

#include <cstdio>

namespace coir {
inline namespace v1 {

generator_error::~generator_error() = default;

bool is_generator_exit(const std::exception_ptr& exception) noexcept {
  try {
    std::rethrow_exception(exception);
  } catch (const generator_exit&) {
    return true;
  } catch (...) {
    return false;
  }
}

void abort_destroyed_while_running() noexcept {
  abort_with("a generator is destroyed while its body runs");
}

void abort_never_exits() noexcept {
  abort_with(
      "a generator is destroyed, but its body catches generator_exit and yields again; told to "
      "exit 100 times");
}

void report_lost_exception(std::exception_ptr failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "coir: an exception left a generator closed by its destructor: %s\n",
                 e.what());
  } catch (...) {
    std::fprintf(stderr,
                 "coir: an exception not derived from std::exception left a generator closed by "
                 "its destructor\n");
  }
}

}  // namespace v1
}  // namespace coir
