// misuse.cpp - says who did what must not be done, and aborts.
// SPDX-License-Identifier: BSL-1.0
#include "sync/misuse.hpp"

#include <coir/this_fiber.hpp>

#include <string>

#include "base/assert.hpp"

namespace coir {
inline namespace v1 {

void abort_naming(const char* what, const char* more) noexcept {
  const char* kind = current_worker() != nullptr ? " by fiber \"" : " by thread \"";
  abort_with((what + (kind + this_fiber::name()) + "\"" + more).c_str());
}

}  // namespace v1
}  // namespace coir
