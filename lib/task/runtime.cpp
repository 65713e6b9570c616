// runtime.cpp - what the user holds of a runtime.
// SPDX-License-Identifier: BSL-1.0
#include <coir/runtime.hpp>

#include <coir/wait.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <system_error>

#include "arch/fork.hpp"
#include "base/assert.hpp"
#include "sched/runtime_core.hpp"

namespace coir {
inline namespace v1 {

struct runtime::state {
  explicit state(const runtime_options& options) : core(options) {}

  runtime_core core;
  bool has_threads = false;  // worker 0 has a thread of its own, too
  bool threads_started = false;
  std::atomic<std::uint32_t> taken{0};  // some thread runs worker 0

  // Threads for the workers beyond the one that the caller's thread is.
  void start_others() {
    if (!std::exchange(threads_started, true)) core.start_threads(1);
  }
};

runtime::runtime(runtime_options options) : state_(std::make_unique<state>(options)) {
  state_->core.face = this;
}

runtime::runtime(runtime&& other) noexcept : state_(std::move(other.state_)) {
  if (state_ != nullptr) state_->core.face = this;
}

runtime runtime::background(runtime_options options) {
  runtime made(std::move(options));
  made.state_->has_threads = made.state_->threads_started = true;
  made.state_->core.start_threads(0);
  return made;
}

runtime::~runtime() {
  if (state_ == nullptr) return;
  runtime_core& own = state_->core;
  if (!own.belongs_here()) {
    static_cast<void>(state_.release());  // a child of fork(): its threads are not there to end
    return;
  }
  if (current() == this) abort_with("a runtime is destroyed by one of its own fibers");
  own.request_end();
  if (state_->has_threads) {
    own.wait_for_end();
  } else {
    if (own.live() != 0) state_->start_others();  // some may have been given to them
    own.run_worker(own.worker_at(0), [&] { return own.live() == 0; });
  }
}

runtime* runtime::current() noexcept {
  worker* here = current_worker();
  return here != nullptr ? worker_core::of(*here).runtime.face : nullptr;
}

runtime_core& runtime::core() const {
  if (state_ == nullptr) throw std::logic_error("coir: this runtime was moved from");
  if (!state_->core.belongs_here())
    throw std::system_error(std::make_error_code(std::errc::operation_not_permitted),
                            "coir: a runtime of the parent process is used after fork()");
  return state_->core;
}

// The calling thread is worker 0 for as long as this lives.
class runtime::turn {
 public:
  explicit turn(state& own) : own_(own) {
    if (own.has_threads) throw std::logic_error("coir: this runtime runs on threads of its own");
    // Acquire: pairs with the release below; the worker goes from one thread to another.
    if (own.taken.exchange(1, std::memory_order_acquire) != 0) refuse();
    try {
      own.start_others();
    } catch (...) {
      leave();
      throw;
    }
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() { leave(); }

  [[noreturn]] static void refuse() {
    throw std::system_error(std::make_error_code(std::errc::device_or_resource_busy),
                            "coir: a runtime is run by two threads at once");
  }

 private:
  // Release: see above.
  void leave() noexcept { own_.taken.store(0, std::memory_order_release); }

  state& own_;
};

void runtime::check_turn() const {
  static_cast<void>(core());
  if (state_->has_threads) return;
  if (current() == this)
    throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                            "coir: a runtime is run by one of its own fibers");
  // Relaxed: one who comes at the same time is refused by his turn.
  if (state_->taken.load(std::memory_order_relaxed) != 0) turn::refuse();
}

void runtime::run_until_done(any_task main) {
  runtime_core& own = core();
  if (state_->has_threads) return main.join();
  turn mine(*state_);
  own.run_until_ended(main.target());
}

void runtime::run_forever() {
  runtime_core& own = core();
  check_turn();
  turn mine(*state_);
  own.run_worker(own.worker_at(0), [&] { return own.take_stop(); });
}

void runtime::stop() noexcept {
  if (state_ != nullptr) state_->core.stop();
}

runtime_statistics runtime::stats() const {
  return core().statistics();
}

bool runtime::run_ready() {
  runtime_core& own = core();
  check_turn();
  turn mine(*state_);
  return own.run_embedded();
}

int runtime::wait_fd() {
  return core().worker_at(0).sleep.descriptor();
}

std::optional<std::chrono::steady_clock::time_point> runtime::next_deadline() const {
  deadline first = core().worker_at(0).next_deadline();
  if (first.is_never()) return std::nullopt;
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(first.nanoseconds()));
}

namespace {

// The default runtime, and who makes it. A child of fork() makes another one.
constinit std::atomic<runtime*> standing{nullptr};
constinit spinlock making;

void forget_standing() {
  // Relaxed: a child has one thread.
  standing.store(nullptr, std::memory_order_relaxed);
  making.unlock();
}

// Of the default runtime, which nobody gives options: what runs there is often ported from threads.
std::chrono::nanoseconds longest_block() noexcept {
#ifdef NDEBUG
  long milliseconds = 0;
#else
  long milliseconds = 200;
#endif
  if (const char* asked = std::getenv("COIR_WARN_IF_BLOCKED_MS"))
    milliseconds = std::clamp(std::strtol(asked, nullptr, 10), 0L, 86'400'000L);
  return std::chrono::milliseconds(milliseconds);
}

}  // namespace

runtime& default_runtime() {
  // Acquire: pairs with the release below.
  if (runtime* made = standing.load(std::memory_order_acquire)) return *made;
  std::lock_guard lock(making);
  // Relaxed: written under the lock.
  runtime* made = standing.load(std::memory_order_relaxed);
  if (made != nullptr) return *made;
  static const bool watched = (forget_in_children(&forget_standing), true);
  static_cast<void>(watched);
  made = new runtime(runtime::background(
      {.name = "default", .workers = 0, .warn_if_blocked_longer_than = longest_block()}));
  // Release: pairs with the acquire above.
  standing.store(made, std::memory_order_release);
  return *made;
}

spawn_options options_of_child(const runtime_options& options) {
  const runtime_options standard;
  if (options.workers != standard.workers || options.guard_size != standard.guard_size ||
      options.on_unhandled || options.warn_if_running_longer_than.count() != 0 ||
      options.warn_if_blocked_longer_than.count() != 0)
    throw std::invalid_argument(
        "coir: run() inside a fiber takes a name and a stack_size, no other options");
  return {.name = options.name, .stack_size = options.stack_size};
}

}  // namespace v1
}  // namespace coir
