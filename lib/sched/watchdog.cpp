// watchdog.cpp - reports a fiber that keeps its worker too long, while it does.
// SPDX-License-Identifier: BSL-1.0
#include "sched/watchdog.hpp"

#include <coir/arch.hpp>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <new>
#include <system_error>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/switch_window.hpp"
#include "sched/census.hpp"
#include "sched/clock.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {
namespace {

constexpr std::int64_t shortest_pause = 1'000'000;

// Of polls, at the first look after a worker has come on duty.
constexpr std::uint64_t unseen = ~std::uint64_t{0};

// The thread may run a worker amid a fiber of another runtime's, which keeps that one's worker as
// well.
void on_look(int, siginfo_t*, void* machine) noexcept {
  int error = errno;
  for (worker* w = calling_thread().worker; w != nullptr; w = worker_core::of(*w).outer)
    if (watched_worker* watched = worker_core::of(*w).watched) watched->look(machine);
  errno = error;
}

// Takes the signal for coir, for as long as the process lives, if nobody has it.
bool claim(int signal) noexcept {
  struct sigaction before {};
  if (sigaction(signal, nullptr, &before) != 0) return false;
  if ((before.sa_flags & SA_SIGINFO) != 0 || before.sa_handler != SIG_DFL) return false;
  struct sigaction ours {};
  ours.sa_sigaction = &on_look;
  ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset(&ours.sa_mask);
  return sigaction(signal, &ours, nullptr) == 0;
}

// The highest real-time signal that has no handler; rather one that is not blocked here, since
// those are waited for by sigwait() and its like, which leaves no trace but that.
int claim_any_signal() {
  signal_calls::prepare();
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  for (int want_blocked : {0, 1})
    for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal)
      if (sigismember(&blocked, signal) == want_blocked && claim(signal)) return signal;
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                          "coir: no real-time signal is free for the watchdog");
}

int signal_of_watchdogs() {
  static const int claimed = claim_any_signal();
  return claimed;
}

}  // namespace

// -- the worker's side

void watched_worker::take_seat() noexcept {
  sigset_t before;
  pthread_sigmask(SIG_UNBLOCK, &owner_.ours_, &before);
  was_blocked_ = sigismember(&before, owner_.signal_) == 1;
  come_on_duty();
}

void watched_worker::leave_seat() noexcept {
  go_off_duty();
  if (was_blocked_) pthread_sigmask(SIG_BLOCK, &owner_.ours_, nullptr);
}

void watched_worker::come_on_duty() noexcept {
  std::lock_guard lock(owner_.mutex_);
  on_duty_ = true;
  thread_ = pthread_self();
  system_thread_ = static_cast<pid_t>(syscall(SYS_gettid));
  polls_seen_ = unseen;
  // Relaxed: a signal that another thread has not handled yet is that thread's.
  asked_.store(matter::nothing, std::memory_order_relaxed);
  ++owner_.on_duty_;
  if (std::exchange(owner_.dozing_, false)) owner_.spot_.notify();
}

void watched_worker::go_off_duty() noexcept {
  std::lock_guard lock(owner_.mutex_);
  on_duty_ = false;
  --owner_.on_duty_;
}

// Relaxed: one signal at a time, or a thread that blocks them would collect them.
void watched_worker::ask(matter what) noexcept {
  if (asked_.exchange(what, std::memory_order_relaxed) == matter::nothing)
    pthread_kill(thread_, owner_.signal_);
}

// In a signal handler: no lock is waited for, and nothing allocated. What cannot be done just now
// is left to the next look.
void watched_worker::look(void* machine) noexcept {
  // Relaxed: the next signal may come. What it asks was written by who sent it.
  matter what = asked_.exchange(matter::nothing, std::memory_order_relaxed);
  fiber* running = core_.current;
  if (running == nullptr) return;
  if (what == matter::runs) return look_running(*running, machine);
  // Relaxed: likewise.
  if (what == matter::blocks)
    note(what, *running, blocked_for_.load(std::memory_order_relaxed), machine);
}

void watched_worker::look_running(fiber& running, void* machine) noexcept {
  std::int64_t now = steady_now();
  // Relaxed: this thread writes it.
  std::uint64_t polls = core_.polls.load(std::memory_order_relaxed);
  if (!meter_.overdue({running.id, polls, core_.budget}, now, owner_.limits_.running)) return;
  if (note(matter::runs, running, now - meter_.since(), machine)) meter_.told();
}

bool watched_worker::note(matter what, fiber& running, std::int64_t lasted,
                          void* machine) noexcept {
  // Acquire: pairs with the release in print_reports(); the report is not read any more.
  if (reported_.load(std::memory_order_acquire) != 0) return false;
  if (amid_inline_switch(signal_calls::interrupted_at(machine))) return false;
  if (!running.lock.try_lock()) return false;  // maybe held by this very fiber
  const char* name = running.name != nullptr ? running.name : "";
  std::size_t length = std::min(std::string_view(name).size(), report_.name.size() - 1);
  *std::copy_n(name, length, report_.name.begin()) = '\0';
  running.lock.unlock();
  report_.what = what;
  report_.fiber = running.id;
  report_.lasted = lasted;
  report_.calls.capture(machine);
  // Release: pairs with the acquire in print_reports().
  reported_.store(1, std::memory_order_release);
  owner_.spot_.notify();
  return true;
}

// -- the watchdog's side

watchdog::watchdog(const watchdog_limits& limits, std::string_view name,
                   const std::vector<std::unique_ptr<worker_core>>& workers)
    : limits_(limits),
      pause_(std::max(limits.shortest() / 4, shortest_pause)),
      signal_(signal_of_watchdogs()),
      name_(std::string(name.empty() ? "coir" : name.substr(0, 6)) + "/watchdog"),
      next_look_(steady_now() + pause_) {
  sigemptyset(&ours_);
  sigaddset(&ours_, signal_);
  for (const auto& w : workers) {
    workers_.push_back(std::make_unique<watched_worker>(*this, *w));
    w->watched = workers_.back().get();
  }
  thread_ = std::thread([this] { main(); });
  // It wakes nobody, so it counts as asleep all its life: from when there is one more thread until
  // before there is one less.
  count_sleeper();
}

watchdog::~watchdog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  spot_.notify();
  discount_sleeper();
  thread_.join();
}

void watchdog::main() noexcept {
  // Handlers of the program run elsewhere.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_setname_np(pthread_self(), name_.c_str());
  while (rest()) {
    print_reports();
    std::int64_t now = steady_now();
    if (now < next_look_) continue;
    look_at_all();
    next_look_ = now + pause_;
  }
}

// Sleeps until the next look, or until it is called; false when it is to end.
bool watchdog::rest() noexcept {
  bool dozes = false;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    dozes = dozing_ = on_duty_ == 0;
    spot_.prepare();
  }
  spot_.park(dozes ? deadline::never() : deadline(next_look_));
  spot_.cancel();
  return true;
}

void watchdog::look_at_all() noexcept {
  std::lock_guard lock(mutex_);
  for (auto& one : workers_)
    if (one->on_duty_) look_at(*one);
}

// Under mutex_.
void watchdog::look_at(watched_worker& one) noexcept {
  // Relaxed: a hint; the handler knows.
  std::uint64_t polls = one.core_.polls.load(std::memory_order_relaxed);
  if (std::exchange(one.polls_seen_, polls) != polls) return one.sleep_.restart();
  if (limits_.blocked != 0) {
    std::int64_t now = steady_now();
    if (one.sleep_.overdue(thread_status::of(one.system_thread_), now, limits_.blocked)) {
      one.sleep_.told();
      // Relaxed: the signal comes after.
      one.blocked_for_.store(now - one.sleep_.since(), std::memory_order_relaxed);
      return one.ask(watched_worker::matter::blocks);
    }
  }
  if (limits_.running != 0) one.ask(watched_worker::matter::runs);
}

std::string watchdog::text_of(const watched_worker::report& r) {
  const std::string number = std::to_string(r.fiber);
  const std::string time = std::to_string(r.lasted / 1'000'000) + " ms";
  return "coir: fiber " + number + " '" + (r.name[0] != '\0' ? r.name.data() : "fiber-" + number) +
         (r.what == watched_worker::matter::blocks
              ? "' has blocked its worker in the kernel for more than " + time
              : "' has kept its worker for more than " + time + " without a switch") +
         ":\n" + r.calls.text();
}

// Blocking is reported once for each stack of calls.
bool watchdog::is_news(const watched_worker::report& r) {
  if (r.what != watched_worker::matter::blocks) return true;
  auto frames = r.calls.frames();
  std::string_view bytes(reinterpret_cast<const char*>(frames.data()), frames.size_bytes());
  const std::size_t place = std::hash<std::string_view>()(bytes);
  if (std::find(places_.begin(), places_.end(), place) != places_.end()) return false;
  places_.push_back(place);
  return true;
}

void watchdog::print_reports() noexcept {
  for (auto& one : workers_) {
    // Acquire: pairs with the release in note().
    if (one->reported_.load(std::memory_order_acquire) == 0) continue;
    try {
      if (is_news(one->report_)) {
        const std::string text = text_of(one->report_);
        // In one write, so that lines of several threads do not mix.
        static_cast<void>(!write(STDERR_FILENO, text.data(), text.size()));
      }
    } catch (const std::bad_alloc&) {
      // The program will hear of that otherwise.
    }
    // Release: pairs with the acquire in note().
    one->reported_.store(0, std::memory_order_release);
  }
}

}  // namespace v1
}  // namespace coir
