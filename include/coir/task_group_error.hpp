// task_group_error.hpp - the failures of a group of tasks, all of them.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

namespace coir {
inline namespace v1 {

// what() tells how many there are, and each one's what().
class task_group_error : public std::runtime_error {
 public:
  explicit task_group_error(std::vector<std::exception_ptr> errors);
  ~task_group_error() override;

  // In the order in which they happened; at least one.
  const std::vector<std::exception_ptr>& errors() const noexcept { return *errors_; }

 private:
  std::shared_ptr<const std::vector<std::exception_ptr>> errors_;  // copied without throwing
};

}  // namespace v1
}  // namespace coir
