// signal_calls.hpp - the calls that a signal interrupted, found in its handler.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace coir {
inline namespace v1 {

// The innermost calls, from the one that was interrupted; those of the handler are left out. None
// where the C library knows no backtrace(). Link with -rdynamic to see names.
class signal_calls {
 public:
  // Before the first handler can run: the first walk loads the unwinder, which allocates.
  static void prepare() noexcept;

  // In a handler; `machine` is its third argument.
  void capture(void* machine) noexcept;
  void write_to_stderr() const noexcept;

  std::span<void* const> frames() const noexcept {
    return {frames_.data() + first_, end_ - first_};
  }

  // A line each, indented. Not in a handler. Throws std::bad_alloc.
  std::string text() const;

  // Where the program was when the signal came; null where the machine is not known.
  static void* interrupted_at(void* machine) noexcept;

 private:
  std::array<void*, 64> frames_;
  std::size_t first_ = 0;
  std::size_t end_ = 0;
};

}  // namespace v1
}  // namespace coir
