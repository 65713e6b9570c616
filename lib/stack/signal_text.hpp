// signal_text.hpp - a line of text put together in a signal handler: no allocation, no stdio.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace coir {
inline namespace v1 {

// What does not fit is cut off.
class signal_text {
 public:
  signal_text& operator<<(char c) noexcept {
    if (length_ < text_.size()) text_[length_++] = c;
    return *this;
  }

  signal_text& operator<<(const char* text) noexcept {
    while (*text != '\0') *this << *text++;
    return *this;
  }

  signal_text& operator<<(std::size_t number) noexcept { return digits(number, 10); }

  signal_text& operator<<(const void* address) noexcept {
    *this << "0x";
    return digits(reinterpret_cast<std::uintptr_t>(address), 16);
  }

  // In one write, so that lines of several threads do not mix.
  void write_to_stderr() const noexcept {
    if (write(STDERR_FILENO, text_.data(), length_) < 0) return;  // nobody is left to be told
  }

 private:
  signal_text& digits(std::uintptr_t number, unsigned int base) noexcept {
    if (number >= base) digits(number / base, base);
    return *this << "0123456789abcdef"[number % base];
  }

  std::size_t length_ = 0;
  std::array<char, 512> text_;
};

}  // namespace v1
}  // namespace coir
