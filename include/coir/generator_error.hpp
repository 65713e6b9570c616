// generator_error.hpp - what generators throw.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <stdexcept>

namespace coir {
inline namespace v1 {

// A generator or a yielder was used in a way it does not allow; what() says which.
class generator_error : public std::logic_error {
 public:
  using std::logic_error::logic_error;
  ~generator_error() override;
};

// Thrown at the `yield` of a body that is being closed. Let it pass: it is not derived from
// std::exception, so only `catch (...)` stops it, and that wants a `throw;`.
class generator_exit {};

// Whether throw_() was given what close() throws.
[[gnu::cold]] bool is_generator_exit(const std::exception_ptr& exception) noexcept;

// Ends the process: a generator was destroyed while its body ran, or its body went on yielding
// however often it was told to exit.
[[noreturn, gnu::cold]] void abort_destroyed_while_running() noexcept;
[[noreturn, gnu::cold]] void abort_never_exits() noexcept;

// Says on stderr that `failure` left a body which a destructor was closing.
[[gnu::cold]] void report_lost_exception(std::exception_ptr failure) noexcept;

}  // namespace v1
}  // namespace coir
