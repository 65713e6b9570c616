// this_fiber.hpp - what a fiber says of and to itself.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/deadline.hpp>
#include <coir/wait.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <thread>

namespace coir {
inline namespace v1 {

// Names a fiber, for as long as the process lives; a plain thread has a number of its own.
class fiber_id {
 public:
  constexpr fiber_id() noexcept = default;
  constexpr explicit fiber_id(std::uint64_t number) noexcept : number_(number) {}
  constexpr std::uint64_t number() const noexcept { return number_; }

 private:
  std::uint64_t number_ = 0;
};

// Not friends, so that they are found for what converts to an id, as the standard's are.
constexpr bool operator==(fiber_id a, fiber_id b) noexcept {
  return a.number() == b.number();
}
constexpr std::strong_ordering operator<=>(fiber_id a, fiber_id b) noexcept {
  return a.number() <=> b.number();
}
template <class Char, class Traits>
std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, fiber_id id) {
  return out << id.number();
}

// Tells the running fiber what it was asked, unless it is uncancellable just now. Whether it would.
[[gnu::cold]] void deliver_requests(worker& here);
bool delivers_now(const worker& here) noexcept;

// Throws if the running fiber was asked to end and has not been told yet: on entry to every wait,
// before that has any effect.
[[gnu::always_inline]] inline void check_cancelled(worker& here) {
  // Relaxed: a request that comes just now ends the wait that follows (request.hpp).
  if (here.current->requests.load(std::memory_order_relaxed) != 0) [[unlikely]]
    deliver_requests(here);
}

// On a plain thread these do what std::this_thread would.
namespace this_fiber {

// Lets the other ready fibers of the worker run, and goes on after them.
[[gnu::always_inline]] inline void yield() {
  worker* here = current_worker();
  if (here == nullptr) return std::this_thread::yield();
  check_cancelled(*here);
  here->yield_current();
}

// A cancellation point and nothing else: for long computations.
inline void cancellation_point() {
  if (worker* here = current_worker()) check_cancelled(*here);
}

void sleep_until(deadline time);

template <class Rep, class Period>
void sleep_for(const std::chrono::duration<Rep, Period>& duration) {
  sleep_until(deadline::after(duration));
}

template <class Clock, class Duration>
void sleep_until(const std::chrono::time_point<Clock, Duration>& time) {
  cancellation_point();  // one who is late does not wait
  while (Clock::now() < time) sleep_until(deadline::at(time));
}

fiber_id get_id() noexcept;
std::string name();
void set_name(std::string_view name);

// Bytes of the stack in use by the calls under way; 0 on a plain thread.
std::size_t stack_used() noexcept;

}  // namespace this_fiber
}  // namespace v1
}  // namespace coir

template <>
struct std::hash<coir::fiber_id> {
  std::size_t operator()(coir::fiber_id id) const noexcept {
    return std::hash<std::uint64_t>()(id.number());
  }
};
