// watchdog.hpp - reports a fiber that keeps its worker too long, while it does.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>

#include "sched/kernel_sleep.hpp"
#include "sched/parking.hpp"
#include "sched/stretch.hpp"
#include "stack/signal_calls.hpp"

namespace coir {
inline namespace v1 {

class fiber;
class watchdog;
class worker_core;

// What a watchdog knows of one worker. The worker is on duty while a thread runs its loop and does
// not sleep; only then it is looked at, and only then `thread` is sure to live.
class watched_worker {
 public:
  watched_worker(watchdog& owner, worker_core& core) noexcept : owner_(owner), core_(core) {}

  // The calling thread becomes the worker, and ceases to be it; the signal is let through
  // meanwhile.
  void take_seat() noexcept;
  void leave_seat() noexcept;

  // The worker goes to sleep, and is up again.
  void go_off_duty() noexcept;
  void come_on_duty() noexcept;

  // By the handler, on the worker's thread.
  void look(void* machine) noexcept;

 private:
  friend watchdog;

  // What the watchdog asks for, and what a report says.
  enum class matter : std::uint32_t { nothing, runs, blocks };

  struct report {
    matter what;
    std::uint64_t fiber;
    std::int64_t lasted;  // nanoseconds, at least
    std::array<char, 64> name;
    signal_calls calls;
  };

  void ask(matter what) noexcept;
  void look_running(fiber& running, void* machine) noexcept;
  bool note(matter what, fiber& running, std::int64_t lasted, void* machine) noexcept;

  watchdog& owner_;
  worker_core& core_;

  // -- the worker's thread
  bool was_blocked_ = false;  // the signal, before
  stretch_meter meter_;

  // -- under the watchdog's mutex
  bool on_duty_ = false;
  pthread_t thread_{};
  pid_t system_thread_ = 0;
  std::uint64_t polls_seen_ = 0;
  sleep_meter sleep_;

  // -- from the watchdog to the handler, and back
  std::atomic<matter> asked_{matter::nothing};  // a signal is on its way
  std::atomic<std::int64_t> blocked_for_{0};    // written before the signal that asks of it
  std::atomic<std::uint32_t> reported_{0};      // `report_` is the watchdog's to print
  report report_;                               // else the handler's to fill
};

// Nanoseconds; 0 for never.
struct watchdog_limits {
  std::int64_t running = 0;  // without a switch
  std::int64_t blocked = 0;  // in the kernel

  bool any() const noexcept { return running != 0 || blocked != 0; }
  std::int64_t shortest() const noexcept {
    return running != 0 && blocked != 0 ? std::min(running, blocked) : std::max(running, blocked);
  }
};

// Looks at the workers of one runtime, four times per limit, from a thread of its own. The workers
// pay nothing for it: no clock is read and nothing is stored for a switch.
//
//     watchdog                               a worker's thread
//     polls as at the last look ?
//       no: it is well
//       yes: a signal  ------------------->  handler: fiber and count of switches as at a look that
//                                            was `limit` ago ?  notes the calls, and calls
//     prints  <----------------------------
//
// The handler runs on the worker's own thread, amid the fiber, so it reads what is the worker's
// exactly and without a fence. A worker that looks at its loop every few milliseconds is never
// signaled. When no worker is on duty the watchdog sleeps, too, until one is.
//
// One that blocks in the kernel is found by what the system says of the worker's thread, before any
// signal: a signal may end the call that it interrupts.
//
// Rejected: a clock read at each switch, which costs as much as ten switches; reading the running
// fiber and the count from the watchdog's thread, which would make atomics of what every switch
// writes, and still wants the signal for the calls.
class watchdog {
 public:
  // Throws std::system_error.
  watchdog(const watchdog_limits& limits, std::string_view name,
           const std::vector<std::unique_ptr<worker_core>>& workers);
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  ~watchdog();

 private:
  friend watched_worker;

  void main() noexcept;
  bool rest() noexcept;
  void look_at_all() noexcept;
  void look_at(watched_worker& one) noexcept;
  void print_reports() noexcept;
  bool is_news(const watched_worker::report& r);
  static std::string text_of(const watched_worker::report& r);

  const watchdog_limits limits_;
  const std::int64_t pause_;  // between two looks
  const int signal_;
  sigset_t ours_;  // of that signal
  const std::string name_;
  std::vector<std::unique_ptr<watched_worker>> workers_;
  parking_spot spot_;  // where it sleeps

  std::mutex mutex_;
  std::size_t on_duty_ = 0;  // under mutex_
  bool dozing_ = false;      // under mutex_: it sleeps until somebody is on duty
  bool stopping_ = false;    // under mutex_
  // -- the watchdog's own
  std::int64_t next_look_;
  std::vector<std::size_t> places_;  // from which blocking was reported
  std::thread thread_;
};

}  // namespace v1
}  // namespace coir
