// select_case.hpp - an alternative of a select whose kind is known at run time only.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/select_branch.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

template <class Case>
concept select_alternative = std::derived_from<std::remove_cvref_t<Case>, select_branch>;

// Holds what on_receive() and its like make, so that they can stand in an array.
//
//     std::vector<coir::select_case> cases;
//     for (auto& ch : channels) cases.push_back(coir::on_receive(ch, f));
//     cases.push_back(coir::on_timeout(1s, g));
//     std::size_t which = coir::select(cases);
//
// It may be selected from any number of times. It keeps the callback, and a value to send as well:
// one given as an rvalue is moved out by the send that wins, another is copied each time.
class select_case {
 public:
  template <select_alternative Case>
  select_case(Case&& from)  // implicitly, to be put into a container
      requires(!std::is_lvalue_reference_v<Case>)
      : branch_(std::make_unique<Case>(std::move(from))) {
    branch_->keep();
  }

  // Engine level.
  select_branch& branch() const noexcept { return *branch_; }

 private:
  std::unique_ptr<select_branch> branch_;
};

}  // namespace v1
}  // namespace coir
