// unhandled.cpp - what becomes of an exception that ended a fiber and that nobody looked at.
// SPDX-License-Identifier: BSL-1.0
#include "sched/unhandled.hpp"

#include <coir/cancelled.hpp>

#include <cstdio>
#include <string>

#include "fiber/fiber_name.hpp"
#include "sched/runtime_core.hpp"

namespace coir {
inline namespace v1 {
namespace {

void report_on_stderr(const std::string& name, const std::exception_ptr& failure,
                      const char* what) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "coir: %s fiber '%s': %s\n", what, name.c_str(), e.what());
  } catch (...) {
    std::fprintf(stderr, "coir: %s fiber '%s': not a std::exception\n", what, name.c_str());
  }
}

}  // namespace

void unhandled_reporter::lose(fiber& failed) noexcept {
  // Relaxed: who looked has dropped his handle since.
  if (failed.looked_at.load(std::memory_order_relaxed) == 0) {
    std::string name = name_of(failed);
    if (report_ == nullptr) {
      report_on_stderr(name, failed.failure, "nobody looked at the exception that ended");
    } else {
      try {
        report_(name, failed.failure);
      } catch (...) {
        report_on_stderr(name, std::current_exception(), "on_unhandled itself threw, told of");
      }
    }
  }
  release();
}

void keep_failure(fiber& self) noexcept {
  self.failure = std::current_exception();
  try {
    throw;
  } catch (const cancelled&) {
    self.ended_cancelled = true;
  } catch (...) {
    self.unhandled = &runtime_core::of(self)->unhandled().hold();
  }
}

}  // namespace v1
}  // namespace coir
