// overflow.cpp - tells what happened when a computation used its stack up.
// SPDX-License-Identifier: BSL-1.0
#include "stack/overflow.hpp"

#include "stack/reservation.hpp"
#include "stack/signal_calls.hpp"
#include "stack/signal_text.hpp"

#include <signal.h>

#include <array>
#include <cerrno>
#include <mutex>

namespace coir {
inline namespace v1 {
namespace {

constexpr std::array<int, 2> watched{SIGSEGV, SIGBUS};

// The handlers there were before ours; written once, before ours can run.
constinit std::array<struct sigaction, watched.size()> earlier{};

void tell(const reservation::hit& hit, const void* address) noexcept {
  const stack_owner& owner = *hit.owner;
  signal_text line;
  line << "coir: stack overflow in ";
  if (owner.name == nullptr || *owner.name == '\0')
    line << "a " << owner.kind;
  else
    line << owner.kind << " \"" << owner.name << '"';
  line << ": " << hit.shape->size / 1024 << " KiB of stack ending at "
       << static_cast<const void*>(hit.limit) << " are used up, the access was at " << address
       << '\n';
  line.write_to_stderr();
}

// So that the process dies by the signal, with a core of the moment of the fault: the access is
// done again on return, and a signal that somebody sent is sent again.
void die_by(int signal, const siginfo_t& info) noexcept {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  sigaction(signal, &plain, nullptr);
  if (info.si_code <= 0) raise(signal);  // blocked until the handler returns
}

// As if ours had never been there.
void pass_on(int signal, siginfo_t* info, void* machine) noexcept {
  const struct sigaction& before = earlier[signal == watched[0] ? 0 : 1];
  const bool full = (before.sa_flags & SA_SIGINFO) != 0;
  if (!full && before.sa_handler == SIG_IGN && info->si_code <= 0) return;
  // The kernel lets nobody ignore a fault.
  if (!full && (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN))
    return die_by(signal, *info);

  sigset_t mask = before.sa_mask;
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  if ((before.sa_flags & SA_NODEFER) != 0) {
    sigemptyset(&mask);
    sigaddset(&mask, signal);
    pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
  }
  if (full)
    before.sa_sigaction(signal, info, machine);
  else
    before.sa_handler(signal);
}

void on_fault(int signal, siginfo_t* info, void* machine) noexcept {
  const int error = errno;
  reservation::hit hit{};
  if (info->si_code > 0) hit = reservation::find_guard(info->si_addr);
  if (hit.owner != nullptr) {
    tell(hit, info->si_addr);
    signal_calls calls;
    calls.capture(machine);
    calls.write_to_stderr();
    die_by(signal, *info);
  } else {
    pass_on(signal, info, machine);
  }
  errno = error;
}

void install() noexcept {
  signal_calls::prepare();
  for (std::size_t i = 0; i < watched.size(); ++i) {
    sigaction(watched[i], nullptr, &earlier[i]);
    struct sigaction ours {};
    ours.sa_sigaction = &on_fault;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    sigaction(watched[i], &ours, nullptr);
  }
}

}  // namespace

void watch_for_overflow() noexcept {
  static std::once_flag once;
  std::call_once(once, install);
}

}  // namespace v1
}  // namespace coir
