// ticker.hpp - a channel of points in time, one each period.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/channel.hpp>
#include <coir/deadline.hpp>
#include <coir/select_channel.hpp>

#include <chrono>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// Sends the time each `period`, the first one after it was made.
//
//     coir::ticker every_second{1s};
//     for (auto now : every_second) report(now);
//     coir::select(coir::on_receive(every_second, f), coir::on_receive(orders, g));
//
// A receiver that is late finds one time waiting; those that it has missed are left out, and the
// next one comes at the next multiple of the period.
//
// Blocking      receive() until the time has come; as for a channel.
// Lifetime      destroying it stops it and closes the channel; nobody may wait on it then.
// Cancellation  as for a channel.
// Cost          a fiber of the runtime it is made in, or of default_runtime().
// Throws        std::invalid_argument for a period of zero or less; what spawn() throws.
class ticker {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using value_type = time_point;

  template <class Rep, class Period>
  explicit ticker(const std::chrono::duration<Rep, Period>& period)
      : ticker(deadline::after(period), period > period.zero()) {}
  ticker(const ticker&) = delete;
  ticker& operator=(const ticker&) = delete;
  ~ticker();

  // The channel itself; close() of it stops the ticker.
  coir::channel<time_point>& channel() const noexcept;

  std::optional<time_point> receive() { return channel().receive(); }
  receive_result<time_point> try_receive() { return channel().try_receive(); }
  template <class Rep, class Period>
  receive_result<time_point> receive_for(const std::chrono::duration<Rep, Period>& duration) {
    return channel().receive_for(duration);
  }
  template <class Clock, class Duration>
  receive_result<time_point> receive_until(const std::chrono::time_point<Clock, Duration>& time) {
    return channel().receive_until(time);
  }
  void close() { channel().close(); }
  bool is_closed() const { return channel().is_closed(); }

  auto begin() { return channel().begin(); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  struct state;
  ticker(deadline first, bool sensible);
  std::shared_ptr<state> state_;  // shared with the fiber
};

// A case of select().
template <class F>
requires(std::is_invocable_v<F&, std::optional<ticker::time_point>>) auto on_receive(ticker& from,
                                                                                     F f) {
  return receive_branch<ticker::time_point, shared_door, F>(from.channel(), std::move(f));
}

}  // namespace v1
}  // namespace coir
