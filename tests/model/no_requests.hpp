// no_requests.hpp - for models in which nobody is asked to end.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

#include "sched/request.hpp"

namespace coir {
inline namespace v1 {

bool request_cancel(fiber&, std::string_view) {
  return false;
}
void interrupt(fiber&) noexcept {}
void go_on_tour(worker_core&, fiber&) noexcept {}

}  // namespace v1
}  // namespace coir
