// select.hpp - waits for the first of several things to happen.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/channel.hpp>
#include <coir/select_branch.hpp>
#include <coir/select_case.hpp>
#include <coir/select_channel.hpp>
#include <coir/select_event.hpp>
#include <coir/select_stop.hpp>
#include <coir/select_task.hpp>
#include <coir/task.hpp>
#include <coir/this_fiber.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

struct do_nothing {
  void operator()() const noexcept {}
};

// Receives; f(std::optional<T>) gets the value, or nullopt once the channel is closed and drained.
template <class T, class Door, class F>
requires(std::is_invocable_v<F&, std::optional<T>>) auto on_receive(channel<T, Door>& from, F f) {
  return receive_branch<T, Door, F>(from, std::move(f));
}

// Sends `value`, which is copied or moved from only if this case wins. A closed channel is ready;
// if it wins select() throws channel_closed.
template <class T, class Door, class F = do_nothing>
auto on_send(channel<T, Door>& to, const std::type_identity_t<T>& value, F f = {}) {
  return send_branch<T, Door, const T&, F>(to, value, std::move(f));
}
template <class T, class Door, class F = do_nothing>
auto on_send(channel<T, Door>& to, std::type_identity_t<T>&& value, F f = {}) {
  return send_branch<T, Door, T, F>(to, std::move(value), std::move(f));
}

// Once the event is set; it stays set.
template <class F = do_nothing>
auto on_event(event& e, F f = {}) {
  return event_branch<F>(e, std::move(f));
}

// Once the task has ended; f(t) gets its handle. The task is not started by that, nor cancelled
// with who waits.
template <class T, class F>
requires(std::is_invocable_v<F&, task<T>&>) auto on_task(task<T> t, F f) {
  return task_branch<T, F>(std::move(t), std::move(f));
}
template <class T>
auto on_task(task<T> t) {
  auto nothing = [](const task<T>&) {};
  return task_branch<T, decltype(nothing)>(std::move(t), nothing);
}

// Once a stop is requested.
template <stop_token_like Token, class F = do_nothing>
auto on_stop(Token token, F f = {}) {
  return stop_branch<Token, F>(std::move(token), std::move(f));
}

template <class When, class F>
class timeout_branch final : public select_branch {
 public:
  timeout_branch(When when, F f) : select_branch(kind::timeout), when_(when), f_(std::move(f)) {
    prepares_ = true;
  }
  void prepare() override { until_ = when_(); }
  void complete() override { std::invoke(f_); }

 private:
  When when_;
  F f_;
};

// If none of the others was ready after that time, counted from each call of select().
template <class Rep, class Period, class F = do_nothing>
auto on_timeout(const std::chrono::duration<Rep, Period>& duration, F f = {}) {
  auto when = [duration] { return deadline::after(duration); };
  return timeout_branch<decltype(when), F>(when, std::move(f));
}
template <class Clock, class Duration, class F = do_nothing>
auto on_timeout(const std::chrono::time_point<Clock, Duration>& time, F f = {}) {
  auto when = [time] { return deadline::at(time); };
  return timeout_branch<decltype(when), F>(when, std::move(f));
}

template <class F>
class otherwise_branch final : public select_branch {
 public:
  explicit otherwise_branch(F f) : select_branch(kind::otherwise), f_(std::move(f)) {}
  void complete() override { std::invoke(f_); }

 private:
  F f_;
};

// If none of the others is ready right now: a select with this never waits.
template <class F = do_nothing>
auto otherwise(F f = {}) {
  return otherwise_branch<F>(std::move(f));
}

[[gnu::always_inline]] inline std::size_t select_branches(std::span<select_branch* const> branches,
                                                          spinlock** locks) {
  if (worker* here = current_worker()) check_cancelled(*here);
  select_round round(branches, locks);
  std::size_t which = round.start();
  if (which == select_round::none) which = round.finish(round.wait());
  branches[which]->complete();
  return which;
}

// Waits until one of the cases can go on, lets that one happen and no other, calls its function,
// and returns its index.
//
//     coir::select(coir::on_receive(orders, [&](std::optional<order> o) {...}),
//                  coir::on_send(bills, next_bill, [&] {...}),
//                  coir::on_timeout(1s, [&] {...}));
//
// Of several that are ready each is as likely. A channel may stand in several cases; a select never
// receives what it sends itself. The functions run on the caller's stack after the decision, with
// nothing locked; what they throw leaves select().
//
// Blocking      until a case is ready: the fiber is suspended, a plain thread blocked.
// Cancellation  a cancellation point; cancelled, no case has happened.
// Cost          a lock for each channel, and a second time where it had to wait; no allocation.
// Throws        cancelled; channel_closed where a send to a closed channel wins; what the functions
//               throw; std::invalid_argument without a case.
template <select_alternative... Cases>
requires(sizeof...(Cases) > 0) [[gnu::always_inline]] inline std::size_t select(Cases&&... cases) {
  select_branch* branches[] = {&cases...};
  spinlock* locks[sizeof...(Cases)];
  return select_branches(branches, locks);
}

// The same for a number of cases known at run time; allocates for more than sixteen.
std::size_t select(std::span<select_case> cases);

}  // namespace v1
}  // namespace coir
