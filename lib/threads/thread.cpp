// thread.cpp - fibers under the names of the standard's threads.
// SPDX-License-Identifier: BSL-1.0
#include <coir/thread.hpp>

#include <coir/uncancellable.hpp>

#include <cstdio>
#include <exception>
#include <system_error>
#include <thread>

namespace coir {
inline namespace v1 {

unsigned int thread::hardware_concurrency() noexcept {
  return std::thread::hardware_concurrency();
}

void thread::refuse_to_start() {
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                          "coir: no memory for a thread");
}

void thread::join() {
  if (!joinable())
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "coir: a thread that is not joinable is joined");
  try {
    fiber_.join();
  } catch (const cancelled&) {
    if (fiber_.done()) fiber_ = any_task();
    throw;
  }
  fiber_ = any_task();
}

void thread::detach() {
  if (!joinable())
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "coir: a thread that is not joinable is detached");
  fiber_ = any_task();
}

// What it was is said by the handler of std::terminate().
void thread::terminate_uncaught() noexcept {
  std::fprintf(stderr, "coir: an exception leaves the function of thread '%s'\n",
               this_fiber::name().c_str());
  std::terminate();
}

void thread::terminate_joinable(const char* when) noexcept {
  std::fprintf(stderr, "coir: thread '%s' %s while it is joinable\n", fiber_.name().c_str(), when);
  std::terminate();
}

void jthread::end() noexcept {
  uncancellable while_it_ends;
  request_stop();
  join();
}

}  // namespace v1
}  // namespace coir
