// no_starts.hpp - for models in which no fiber is started.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "sched/fiber_end.hpp"

namespace coir {
inline namespace v1 {

context::departure fiber_entry(context&, context& resumer, void* word) {
  return {&resumer, word};
}

}  // namespace v1
}  // namespace coir
