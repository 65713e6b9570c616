// ticker.cpp - the fiber that sends the time each period.
// SPDX-License-Identifier: BSL-1.0
#include <coir/ticker.hpp>

#include <coir/event.hpp>
#include <coir/spawn.hpp>

#include <cstdint>
#include <stdexcept>

namespace coir {
inline namespace v1 {

struct ticker::state {
  coir::channel<time_point> times{1};
  event stopped;
};

namespace {

// The first multiple of `period` after `begin` that lies after `now`.
deadline next_tick(std::int64_t begin, std::int64_t period, std::int64_t now) {
  return deadline(begin + ((now - begin) / period + 1) * period);
}

// Whether the event was set before that time.
bool stopped_by(event& stopped, deadline time) {
  if (time.is_never()) return stopped.wait(), true;
  return stopped.wait_for(
      std::chrono::nanoseconds(time.nanoseconds() - deadline::now().nanoseconds()));
}

}  // namespace

// A period too long to count is never: it never ticks.
ticker::ticker(deadline first, bool sensible) {
  if (!sensible) throw std::invalid_argument("coir: a ticker without a period");
  state_ = std::make_shared<state>();
  std::int64_t begin = deadline::now().nanoseconds();
  spawn({.name = "ticker"}, [own = state_, begin, first] {
    // However it ends, nobody waits for it in vain.
    struct closing {
      ~closing() { times.close(); }
      coir::channel<time_point>& times;
    } guard{own->times};
    std::int64_t period = first.is_never() ? first.nanoseconds() : first.nanoseconds() - begin;
    deadline tick = first;
    try {
      while (!stopped_by(own->stopped, tick)) {
        own->times.try_send(time_point(std::chrono::nanoseconds(tick.nanoseconds())));
        tick = next_tick(begin, period, deadline::now().nanoseconds());
      }
    } catch (const channel_closed&) {
    }
  });
}

ticker::~ticker() {
  if (state_ == nullptr) return;
  state_->times.close();
  state_->stopped.set();
}

channel<ticker::time_point>& ticker::channel() const noexcept {
  return state_->times;
}

}  // namespace v1
}  // namespace coir
