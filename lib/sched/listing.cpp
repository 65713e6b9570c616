// listing.cpp - every fiber of the process, in words.
// SPDX-License-Identifier: BSL-1.0
#include "sched/listing.hpp"

#include <coir/wait.hpp>

#include <cstdlib>
#include <iomanip>
#include <memory>
#include <ostream>
#include <sstream>
#include <vector>

#include <execinfo.h>

#include "arch/pause.hpp"
#include "fiber/fiber_name.hpp"
#include "fiber/fiber_pool.hpp"
#include "sched/census.hpp"
#include "sched/clock.hpp"
#include "sched/runtime_core.hpp"
#include "stack/mapping.hpp"
#include "stack/pooled_stack.hpp"

namespace coir {
inline namespace v1 {
namespace {

// Holds the queues of all workers, so that no suspended fiber is resumed: all that are held are
// given back at the end.
class standstill {
 public:
  standstill() {
    worker* here = calling_thread().worker;
    visit_runtimes([&](runtime_core& one) {
      for (std::size_t i = 0; i < one.workers(); ++i) {
        worker_core& w = one.worker_at(i);
        if (&w == here) {
          w.guard.enter();
          own_ = &w;
        } else if (seize(w)) {
          held_.push_back(&w);
        }
      }
    });
  }
  ~standstill() {
    for (worker_core* w : held_) w->guard.give_back();
    if (own_ != nullptr) own_->guard.leave();
  }

  bool holds(const worker* w) const noexcept {
    return w == own_ || std::find(held_.begin(), held_.end(), w) != held_.end();
  }

 private:
  // A worker is inside for moments only, unless it was preempted there.
  static bool seize(worker_core& w) noexcept {
    for (int looks = 0; looks < 256; ++looks) {
      if (w.guard.try_seize()) return true;
      wait_a_little(looks);
    }
    return false;
  }

  worker_core* own_ = nullptr;
  std::vector<worker_core*> held_;
};

struct calls {
  void* addresses[32];
  int count = 0;
};

#if COIR_CONTEXT_BACKEND == 1
void note_calls(void* out) noexcept {
  auto& found = *static_cast<calls*>(out);
  found.count = backtrace(found.addresses, 32);
}

calls calls_of(const fiber& f) {
  calls found;
  f.ctx.walk([](void* out) { note_calls(out); }, &found);
  return found;
}
#else
calls calls_of(const fiber&) {
  return {};
}
#endif

void print_calls(std::ostream& out, const calls& found) {
  // The first two are the walk itself.
  std::unique_ptr<char*, void (*)(void*)> names(backtrace_symbols(found.addresses, found.count),
                                                &std::free);
  for (int i = 2; names != nullptr && i < found.count; ++i) out << "    " << names.get()[i] << '\n';
}

void list_one(std::ostream& out, fiber& f, const standstill& still) {
  // Relaxed, here and below: what is shown is of some recent moment.
  auto* home = f.home.load(std::memory_order_relaxed);
  const char* waits_on = f.waiting_for.load(std::memory_order_relaxed);
  bool held = home != nullptr && still.holds(home);
  bool runs = held && home->current == &f;
  out << "fiber " << f.id << " '" << name_of(f) << "' ";
  switch (f.state.load(std::memory_order_relaxed)) {
    case fiber_state::fresh:
      out << "has not started\n";
      return;
    case fiber_state::finished:
      out << "has ended\n";
      return;
    case fiber_state::started:
      break;
  }
  if (waits_on != nullptr) {
    // Relaxed: for the reader only; it may belong to the wait before.
    auto waited = clock_now() - f.waiting_since.load(std::memory_order_relaxed);
    out << "waits on " << waits_on << " for " << waited / 10'000'000 * 10 << " ms";
  } else {
    out << (runs ? "runs" : held ? "is ready" : "runs or is ready");
  }
  if (!held || runs) {
    out << '\n';
    return;
  }
  const std::byte* top = f.memory->top;
  const std::byte* limit = limit_of(*f.memory);
  out << ", stack " << resident_below(top, limit) << " of " << top - limit << " bytes touched\n";
  print_calls(out, calls_of(f));
}

}  // namespace

std::string list_waits() {
  std::ostringstream out;
  out << "coir: deadlock: every thread sleeps, and nothing is to come";
  visit_fibers([&](fiber& f) {
    // Relaxed: everyone sleeps.
    if (const char* waits_on = f.waiting_for.load(std::memory_order_relaxed))
      out << "\n  fiber " << f.id << " '" << name_of(f) << "' waits on " << waits_on;
  });
  return out.str();
}

void list_fibers(std::ostream& out) {
  std::ostringstream text;
  {
    standstill still;
    visit_fibers([&](fiber& f) { list_one(text, f, still); });
  }
  out << text.str();
}

}  // namespace v1
}  // namespace coir
