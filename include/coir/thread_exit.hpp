// thread_exit.hpp - what is done at the very end of a fiber, or plain thread.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>

namespace coir {
inline namespace v1 {

// Engine level: calls `last` when the running fiber's body has ended and its fiber_locals are
// destroyed; on a plain thread, when its thread_locals are. First registered, first called. Throws
// std::bad_alloc.
void at_thread_exit(std::function<void()> last);

}  // namespace v1
}  // namespace coir
