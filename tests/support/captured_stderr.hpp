// captured_stderr.hpp - what the program writes to stderr, read while it runs.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace coir_test {

// While it lives; then it is written to stderr after all. For what fits into a pipe.
class captured_stderr {
 public:
  captured_stderr() : before_(dup(STDERR_FILENO)) {
    int ends[2] = {-1, -1};
    static_cast<void>(!pipe(ends));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    reader_ = ends[0];
  }
  captured_stderr(const captured_stderr&) = delete;
  captured_stderr& operator=(const captured_stderr&) = delete;
  ~captured_stderr() {
    text();
    dup2(before_, STDERR_FILENO);
    close(before_);
    close(reader_);
    static_cast<void>(!write(STDERR_FILENO, text_.data(), text_.size()));
  }

  // All so far.
  const std::string& text() {
    char part[4096];
    for (ssize_t length; (length = read(reader_, part, sizeof part)) > 0;)
      text_.append(part, static_cast<std::size_t>(length));
    return text_;
  }

  // How often `what` is in it so far.
  int count(std::string_view what) {
    text();
    int found = 0;
    for (std::size_t at = 0; (at = text_.find(what, at)) != std::string::npos; ++at) ++found;
    return found;
  }

 private:
  int before_;
  int reader_ = -1;
  std::string text_;
};

}  // namespace coir_test
