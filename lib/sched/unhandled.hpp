// unhandled.hpp - what becomes of an exception that ended a fiber and that nobody looked at.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <string_view>

namespace coir {
inline namespace v1 {

// A runtime's, kept by those of its fibers that failed: they may be looked at, or not, long after
// the runtime has gone.
class unhandled_reporter final : public unhandled_handler {
 public:
  using function = std::function<void(std::string_view, std::exception_ptr)>;

  // With one user. Empty: a line on stderr.
  explicit unhandled_reporter(function report) : report_(std::move(report)) {}
  unhandled_reporter(const unhandled_reporter&) = delete;
  unhandled_reporter& operator=(const unhandled_reporter&) = delete;

  unhandled_reporter& hold() noexcept {
    // Relaxed: the caller's runtime is a user.
    users_.fetch_add(1, std::memory_order_relaxed);
    return *this;
  }
  void release() noexcept {
    // Acquire and release: the last user sees that the others are done.
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  void lose(fiber& failed) noexcept override;

  struct releaser {
    void operator()(unhandled_reporter* held) const noexcept { held->release(); }
  };

 private:
  ~unhandled_reporter() = default;

  function report_;
  std::atomic<std::uint64_t> users_{1};
};

}  // namespace v1
}  // namespace coir
