// kernel_sleep.cpp - how long a thread has slept in the kernel, as far as looks at it tell.
// SPDX-License-Identifier: BSL-1.0
#include "sched/kernel_sleep.hpp"

#include <charconv>
#include <cstddef>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace coir {
inline namespace v1 {
namespace {

// What follows `key` in the lines.
std::string_view value_of(std::string_view key, std::string_view lines) noexcept {
  std::size_t at = lines.find(key);
  return at == std::string_view::npos ? std::string_view() : lines.substr(at + key.size());
}

}  // namespace

thread_status thread_status::parse(std::string_view lines) noexcept {
  std::string_view state = value_of("\nState:\t", lines);
  std::string_view sleeps = value_of("\nvoluntary_ctxt_switches:\t", lines);
  if (state.empty() || sleeps.empty()) return {};
  thread_status found{.known = true, .asleep = state.front() == 'S' || state.front() == 'D'};
  std::from_chars(sleeps.data(), sleeps.data() + sleeps.size(), found.sleeps);
  return found;
}

thread_status thread_status::of(pid_t thread) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%ld/status", static_cast<long>(thread));
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  char lines[4096];
  ssize_t length = read(file, lines, sizeof lines);
  close(file);
  return length > 0 ? parse({lines, static_cast<std::size_t>(length)}) : thread_status();
}

}  // namespace v1
}  // namespace coir
