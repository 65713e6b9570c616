// fiber_list.hpp - fibers in a line, linked by fiber::next.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

#include <utility>

namespace coir {
inline namespace v1 {

class fiber_list {
 public:
  bool empty() const noexcept { return first_ == nullptr; }

  void push_back(fiber& f) noexcept {
    f.next = nullptr;
    if (last_ != nullptr) {
      last_->next = &f;
    } else {
      first_ = &f;
    }
    last_ = &f;
  }

  fiber* pop_front() noexcept {
    fiber* f = first_;
    if (f != nullptr && (first_ = f->next) == nullptr) last_ = nullptr;
    return f;
  }

  fiber_list take() noexcept { return std::exchange(*this, {}); }

 private:
  fiber* first_ = nullptr;
  fiber* last_ = nullptr;
};

}  // namespace v1
}  // namespace coir
