// attach.cpp - makes an OS thread fit to resume contexts.
// SPDX-License-Identifier: BSL-1.0
#include <coir/arch.hpp>
#include <coir/thread_state.hpp>

#include "stack/alternate_stack.hpp"
#include "stack/overflow.hpp"

#include <cxxabi.h>

// Zero at thread start, and no destructor: a computation may be resumed by the last destructor of a
// thread.
constinit thread_local coir::thread_state coir_thread_state{};

namespace coir {
inline namespace v1 {

void attach_thread() noexcept {
  void* globals = abi::__cxa_get_globals();
  this_thread().exceptions = static_cast<exception_globals*>(globals);
  watch_for_overflow();
  give_alternate_stack();
}

}  // namespace v1
}  // namespace coir
