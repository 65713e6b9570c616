// thread_state.hpp - what belongs to an OS thread, and the one door to it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace coir {
inline namespace v1 {

// The Itanium ABI's record of caught and uncaught exceptions, one per thread (__cxa_get_globals).
struct exception_globals {
  void* caught;
  unsigned int uncaught;
};

class fiber_cache;
class stack_cache;
class worker;

// Reached only by calling_thread() (arch.hpp), and never kept across a switch: the computation may
// go on in another thread, and a compiler that held the address would read the wrong one.
struct thread_state {
  exception_globals* exceptions;  // never null; unattached_exceptions until attach_thread()
  stack_cache* stacks;            // null until the first stack is made
  class worker* worker;           // whose fibers this thread runs; null on a plain thread
  fiber_cache* fibers;            // null until the first fiber is made or dropped
};

// Makes the calling thread fit to resume contexts: finds its exception record, and gives it an
// alternate signal stack on which an overflow can be reported. Called by the first resume.
//
// Cost  once per thread: two system calls and one mapping of 64 KiB, given back at thread exit.
[[gnu::cold]] void attach_thread() noexcept;

// What a thread's record points to until attach_thread(): looks as if an exception were live, so
// that one test on the fast path finds both.
extern exception_globals unattached_exceptions;

[[gnu::always_inline]] inline bool exceptions_live(const exception_globals& record) noexcept {
  return (reinterpret_cast<std::size_t>(record.caught) | record.uncaught) != 0;
}

}  // namespace v1
}  // namespace coir

extern "C" {
// Defined in lib/; initial-exec, all zero at thread start. Use calling_thread().
extern thread_local coir::thread_state coir_thread_state [[gnu::tls_model("initial-exec")]];
}
