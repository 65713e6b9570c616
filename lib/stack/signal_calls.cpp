// signal_calls.cpp - the calls that a signal interrupted, found in its handler.
// SPDX-License-Identifier: BSL-1.0
#include "stack/signal_calls.hpp"

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define COIR_HAS_BACKTRACE 1
#else
#define COIR_HAS_BACKTRACE 0
#endif
#if defined(__linux__)
#include <ucontext.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace coir {
inline namespace v1 {

void* signal_calls::interrupted_at([[maybe_unused]] void* machine) noexcept {
#if defined(__linux__) && defined(__x86_64__)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(machine)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__linux__) && defined(__i386__)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(machine)->uc_mcontext.gregs[REG_EIP]);
#elif defined(__linux__) && defined(__arm__)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(machine)->uc_mcontext.arm_pc);
#elif defined(__linux__) && defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(machine)->uc_mcontext.pc);
#elif defined(__linux__) && defined(__riscv)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(machine)->uc_mcontext.__gregs[REG_PC]);
#else
  return nullptr;
#endif
}

#if COIR_HAS_BACKTRACE

void signal_calls::prepare() noexcept {
  void* frame = nullptr;
  backtrace(&frame, 1);
}

void signal_calls::capture(void* machine) noexcept {
  end_ = static_cast<std::size_t>(backtrace(frames_.data(), static_cast<int>(frames_.size())));
  void** end = frames_.data() + end_;
  void** first = std::find(frames_.data(), end, interrupted_at(machine));
  first_ = first == end ? 0 : static_cast<std::size_t>(first - frames_.data());
}

void signal_calls::write_to_stderr() const noexcept {
  backtrace_symbols_fd(frames_.data() + first_, static_cast<int>(end_ - first_), STDERR_FILENO);
}

std::string signal_calls::text() const {
  std::unique_ptr<char*, void (*)(void*)> names(
      backtrace_symbols(frames_.data() + first_, static_cast<int>(end_ - first_)), &std::free);
  std::string lines;
  for (std::size_t i = 0; names != nullptr && i < end_ - first_; ++i)
    lines.append("    ").append(names.get()[i]).append("\n");
  return lines;
}

#else

void signal_calls::prepare() noexcept {}
void signal_calls::capture(void*) noexcept {}
void signal_calls::write_to_stderr() const noexcept {}
std::string signal_calls::text() const {
  return {};
}

#endif

}  // namespace v1
}  // namespace coir
