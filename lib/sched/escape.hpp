// escape.hpp - what is said when a cancellation comes to a function that lets no exception out.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// From now on std::terminate says so in one sentence, with the fiber's name, before it does what it
// did before. Once a process; a handler that the user sets later takes this one's place.
void watch_escapes() noexcept;

}  // namespace v1
}  // namespace coir
