// wait_failure.hpp - what is thrown when a wait ends without what was waited for.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/wait.hpp>

namespace coir {
inline namespace v1 {

inline void throw_unless_success(wait_outcome outcome) {
  if (outcome != wait_outcome::success) [[unlikely]]
    throw_wait_failure(outcome);
}

}  // namespace v1
}  // namespace coir
