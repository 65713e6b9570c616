// escape.cpp - what is said when a cancellation comes to a function that lets no exception out.
// SPDX-License-Identifier: BSL-1.0
#include "sched/escape.hpp"

#include <coir/cancel_scope.hpp>
#include <coir/wait.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "fiber/fiber_name.hpp"
#include "sched/wait_failure.hpp"

namespace coir {
inline namespace v1 {
namespace {

std::terminate_handler before = nullptr;  // written once, before set_terminate()

// What the exception that cannot go on tells the running fiber; null for one that is not the
// library's.
const char* what_escapes() noexcept {
  if (std::current_exception() == nullptr) return nullptr;
  try {
    throw;
  } catch (const delivery&) {
    return "cancelled";
  } catch (const timed_out&) {
    return cancel_scope::timeout_has_expired() ? "timed out" : nullptr;
  } catch (...) {
    return nullptr;
  }
}

[[noreturn]] void say_what_escapes() {
  worker* here = current_worker();
  const char* what = here != nullptr ? what_escapes() : nullptr;
  if (what != nullptr)
    std::fprintf(stderr,
                 "coir: fiber '%s' was %s in a destructor or another noexcept function, which no "
                 "exception can leave; open coir::uncancellable there\n",
                 name_of(*here->current).c_str(), what);
  before();
  std::abort();
}

}  // namespace

void watch_escapes() noexcept {
  static const bool watches = [] {
    before = std::get_terminate();
    std::set_terminate(&say_what_escapes);
    return true;
  }();
  static_cast<void>(watches);
}

}  // namespace v1
}  // namespace coir
