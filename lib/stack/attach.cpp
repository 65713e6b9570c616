// attach.cpp - makes an OS thread fit to resume contexts.
// SPDX-License-Identifier: BSL-1.0
#include <coir/arch.hpp>
#include <coir/thread_state.hpp>

#include "stack/alternate_stack.hpp"
#include "stack/overflow.hpp"

#include <cxxabi.h>

namespace coir {
inline namespace v1 {

constinit exception_globals unattached_exceptions{&unattached_exceptions, 0};

}  // namespace v1
}  // namespace coir

// The same at every thread's start, and no destructor: a computation may be resumed by the last
// destructor of a thread. Used by assembly inside functions, which link-time optimization does not
// see.
[[gnu::used]] constinit thread_local coir::thread_state coir_thread_state{
    &coir::unattached_exceptions, nullptr, nullptr, nullptr};

namespace coir {
inline namespace v1 {

void attach_thread() noexcept {
  void* globals = abi::__cxa_get_globals();
  calling_thread().exceptions = static_cast<exception_globals*>(globals);
  watch_for_overflow();
  give_alternate_stack();
}

}  // namespace v1
}  // namespace coir
