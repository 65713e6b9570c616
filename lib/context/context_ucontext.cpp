// context_ucontext.cpp - how a computation begins and ends on the C library's ucontext.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context_ucontext.hpp>

#if COIR_HAS_UCONTEXT

#include <cstdint>

namespace coir {
inline namespace v1 {

ucontext_context::ucontext_context(std::byte* top, std::byte* limit, entry body) noexcept
    : body_(body) {
  getcontext(state());
  state()->uc_stack.ss_sp = limit;
  state()->uc_stack.ss_size = static_cast<std::size_t>(top - limit);
  state()->uc_link = nullptr;
  // makecontext passes ints only, so the pointer goes in two halves.
  auto self = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(this));
  makecontext(state(), reinterpret_cast<void (*)()>(&start), 2,
              static_cast<unsigned int>(self >> 32), static_cast<unsigned int>(self));
  hooks_.begin(limit, static_cast<std::size_t>(top - limit));
}

void ucontext_context::start(unsigned int high, unsigned int low) noexcept {
  auto address = (static_cast<std::uint64_t>(high) << 32) | low;
  auto& self = *reinterpret_cast<ucontext_context*>(static_cast<std::uintptr_t>(address));
  self.hooks_.arrived(self.resumer_->hooks_);
  departure next = self.body_(self, *self.resumer_, self.word_);
  next.to->resumer_ = &self;
  next.to->word_ = next.word;
  self.hooks_.leaving_for_good(next.to->hooks_, next.order);
  setcontext(next.to->state());
  __builtin_unreachable();
}

}  // namespace v1
}  // namespace coir

#endif
