// arch_generic.cpp - the door to the thread and the stack pointer, where no inline switch is.
// SPDX-License-Identifier: BSL-1.0
#include <coir/arch.hpp>

#if !COIR_INLINE_SWITCH

namespace coir {
inline namespace v1 {

void* stack_pointer() noexcept {
  return __builtin_frame_address(0);
}

thread_state& calling_thread() noexcept {
  return coir_thread_state;
}

}  // namespace v1
}  // namespace coir

#endif
