// context_asm.cpp - the C++ half of a computation's first frame.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context_asm.hpp>

#if COIR_HAS_ASM

#include "arch/switch_frame.hpp"

namespace coir {
inline namespace v1 {

void asm_context::start(switch_frame* self, switch_frame* resumer, void* word,
                        entry body) noexcept {
  asm_context& here = *of(self);
  here.hooks_.arrived(of(resumer)->hooks_);
  departure next = body(here, *of(resumer), word);
  here.hooks_.leaving_for_good(next.to->hooks_, next.order);
#if COIR_INLINE_SWITCH
  inline_leave(self, &next.to->frame_, next.word);
#else
  coir_context_switch(self, &next.to->frame_, next.word);
  __builtin_unreachable();
#endif
}

}  // namespace v1
}  // namespace coir

#endif
