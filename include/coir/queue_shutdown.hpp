// queue_shutdown.hpp - what is thrown at who uses a queue that was shut down.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>

namespace coir {
inline namespace v1 {

// Nothing more is put into the queue; of a get, nor is anything left in it.
class queue_shutdown : public std::runtime_error {
 public:
  queue_shutdown() : runtime_error("queue shut down") {}
  ~queue_shutdown() override;
};

}  // namespace v1
}  // namespace coir
