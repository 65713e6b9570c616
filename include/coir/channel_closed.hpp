// channel_closed.hpp - what is thrown at who sends on a channel that is closed.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>

namespace coir {
inline namespace v1 {

// No more will be received: the channel was closed before the value got in.
class channel_closed : public std::runtime_error {
 public:
  channel_closed() : runtime_error("channel closed") {}
  ~channel_closed() override;
};

}  // namespace v1
}  // namespace coir
