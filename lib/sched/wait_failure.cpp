// wait_failure.cpp - what is thrown when a wait ends without what was waited for.
// SPDX-License-Identifier: BSL-1.0
#include "sched/wait_failure.hpp"

#include <coir/cancel_scope.hpp>
#include <coir/this_fiber.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>

#include <unwind.h>

#include "base/assert.hpp"
#include "fiber/fiber_name.hpp"
#include "sched/runtime_core.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {
namespace {

#ifdef NDEBUG
constexpr bool watches_handlers = false;
#else
constexpr bool watches_handlers = true;
#endif

std::string take_message(fiber& self) {
  std::lock_guard guard(self.lock);
  std::unique_ptr<char, void (*)(void*)> message(std::exchange(self.cancel_message, nullptr),
                                                 &std::free);
  return message != nullptr ? std::string(message.get()) : std::string();
}

// Throws what the fiber was asked; returns where there is nothing.
void tell(fiber& self) {
  // Acquire: pairs with the release in request_cancel().
  if ((self.requests.fetch_and(~fiber_request::cancel, std::memory_order_acquire) &
       fiber_request::cancel) != 0)
    throw delivered<cancelled>(self, take_message(self));
  cancel_scope::tell(self);
}

const _Unwind_Exception& header_of(const void* exception) noexcept {
  return static_cast<const _Unwind_Exception*>(exception)[-1];
}

// Where the last handler of an exception found it: the field before the unwinder's header, in the
// Itanium ABI's __cxa_exception.
const void* handled_at(const void* exception) noexcept {
  return reinterpret_cast<void* const*>(&header_of(exception))[-1];
}

// Whether an exception that is being destroyed is so by the end of its handler, not by who has kept
// it in an exception_ptr, and maybe thrown it again: the handler has the unwinder do it, which
// calls a function that the exception names.
bool dies_of_its_handler(const void* exception) noexcept {
  struct search {
    _Unwind_Ptr destroyer;
    int frames = 8;  // between it and this
    bool found = false;
  } wanted{reinterpret_cast<_Unwind_Ptr>(header_of(exception).exception_cleanup)};
  auto look = [](_Unwind_Context* frame, void* argument) {
    search& s = *static_cast<search*>(argument);
    s.found = _Unwind_GetRegionStart(frame) == s.destroyer;
    return s.found || --s.frames == 0 ? _URC_END_OF_STACK : _URC_NO_REASON;
  };
  _Unwind_Backtrace(look, &wanted);
  return wanted.found;
}

}  // namespace

cancelled::~cancelled() = default;
timed_out::~timed_out() = default;
deadlock::~deadlock() = default;

delivery::~delivery() {
  if (!watches_handlers) return;
  worker* here = current_worker();
  if (here == nullptr) return;
  fiber& self = *here->current;
  if (self.id != to_ || self.body_over || self.told_of_swallowing || handled_at(this) != this ||
      !dies_of_its_handler(this))
    return;
  self.told_of_swallowing = true;
  std::fprintf(stderr,
               "coir: fiber '%s' goes on after a catch (...) that swallowed its cancellation; "
               "end the handler with `throw;`, or catch coir::cancelled where it is meant\n",
               name_of(self).c_str());
}

void throw_wait_failure(wait_outcome outcome) {
  if (outcome == wait_outcome::cancelled) {
    tell(*current_worker()->current);
    abort_with("a wait was cancelled, and nobody had asked for that");
  } else if (outcome == wait_outcome::deadlock) {
    throw deadlock(worker_core::of(*current_worker()).runtime.deadlock_listing());
  }
}

bool delivers_now(const worker& here) noexcept {
  const fiber& self = *here.current;
  // Relaxed, both: the first is as in check_cancelled(), the second written by the fiber.
  return self.requests.load(std::memory_order_relaxed) != 0 &&
         self.masks.load(std::memory_order_relaxed) == 0 && std::uncaught_exceptions() == 0;
}

void deliver_requests(worker& here) {
  if (delivers_now(here)) tell(*here.current);
}

}  // namespace v1
}  // namespace coir
