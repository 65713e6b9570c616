// select_stop.hpp - the alternative of a select that waits for a request to stop.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/event.hpp>
#include <coir/select_event.hpp>
#include <coir/stop_token.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace coir {
inline namespace v1 {

// The request sets an event, as long as a select is under way.
template <stop_token_like Token, class F>
class stop_branch final : public event_source {
  struct set_event {
    event* asked;
    void operator()() const noexcept { asked->set(); }
  };

 public:
  stop_branch(Token token, F f) : stop_branch(std::make_unique<event>(), token, f) {}
  // While no select is under way.
  stop_branch(stop_branch&& other) : stop_branch(std::move(other.asked_), other.token_, other.f_) {}

  void prepare() override { listening_.emplace(token_, set_event{asked_.get()}); }
  void conclude() override { listening_.reset(); }
  void complete() override { std::invoke(f_); }

 private:
  stop_branch(std::unique_ptr<event> asked, Token& token, F& f)
      : event_source(*asked), asked_(std::move(asked)), token_(std::move(token)), f_(std::move(f)) {
    prepares_ = true;
  }

  std::unique_ptr<event> asked_;
  Token token_;
  F f_;
  std::optional<decltype(call_on_stop(std::declval<const Token&>(), set_event()))> listening_;
};

}  // namespace v1
}  // namespace coir
