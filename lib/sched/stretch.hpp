// stretch.hpp - how long one fiber has run without a switch, as far as looks at its worker tell.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace coir {
inline namespace v1 {

// Two looks that see the same see one stretch: a switch takes from the budget or comes by a poll,
// and a poll, which fills the budget, is counted.
struct stretch {
  std::uint64_t fiber = 0;
  std::uint64_t polls = 0;
  std::uint32_t budget = 0;

  friend bool operator==(const stretch&, const stretch&) noexcept = default;
};

// The looks at one worker, one after the other.
class stretch_meter {
 public:
  // Whether what is seen at `now` has been there for `limit`, and is yet to be told.
  bool overdue(const stretch& seen, std::int64_t now, std::int64_t limit) noexcept {
    if (!(seen == last_)) {
      last_ = seen;
      since_ = now;
      told_ = false;
    }
    return !told_ && now - since_ >= limit;
  }

  void told() noexcept { told_ = true; }

  // When it was first seen.
  std::int64_t since() const noexcept { return since_; }

 private:
  stretch last_;
  std::int64_t since_ = 0;
  bool told_ = false;
};

}  // namespace v1
}  // namespace coir
