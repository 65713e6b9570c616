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

  // A fiber that keeps its worker longer, without a switch, is reported on stderr while it still
  // runs, once for each such stretch: its number and name, how long it has run so far, and its
  // calls (link with -rdynamic to see names). Zero for never. By real time, and within half as long
  // again; below some milliseconds, whenever the system lets the watchdog run.
  //
  // Cost  one thread; nothing for a switch. A worker that does not come to its loop is looked at by
  //       a real-time signal: SIGRTMAX, or the next one below that has no handler when the first
  //       runtime asks. So a system call that such a fiber blocks in may return EINTR, if it is one
  //       that is never restarted: poll(), nanosleep(). An idle runtime is left alone.
  //       ThreadSanitizer keeps signals back until the fiber makes a call that it watches,
  //       qemu-user for as long as it runs.
  std::chrono::nanoseconds warn_if_running_longer_than = {};

  // A fiber that blocks its worker in the kernel longer, by a call that waits (read(), sleep(), a
  // std::mutex that another holds), is reported on stderr, once for each stack of calls from which
  // it does; one that computes is not. Zero for never. default_runtime() looks for it after 200 ms
  // unless NDEBUG, and in any build after as many milliseconds as COIR_WARN_IF_BLOCKED_MS in the
  // environment says when it starts; 0 for never. Nothing is reported where there is no /proc.
  //
  // Cost  as above, and a file of /proc is read for each look; only a worker that has slept so long
  //       is sent the signal, once for each such sleep.
  std::chrono::nanoseconds warn_if_blocked_longer_than = {};
};

}  // namespace v1
}  // namespace coir
