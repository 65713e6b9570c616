// context_ucontext.hpp - the context switched by the C library's swapcontext.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/config.hpp>
#include <coir/sanitizer.hpp>

#include <cstddef>

#if COIR_HAS_UCONTEXT

#include <ucontext.h>

namespace coir {
inline namespace v1 {

// The contract is asm_context's. It saves the signal mask as well, by a system call at each switch:
// two hundred times slower than the others, and there on every system.
class ucontext_context {
 public:
  struct arrival {
    ucontext_context* self;
    ucontext_context* resumer;
    void* word;
  };
  struct departure {
    ucontext_context* to;
    void* word;
    [[no_unique_address]] departure_order order = {};
  };
  using entry = departure (*)(ucontext_context& self, ucontext_context& resumer, void* word);

  ucontext_context() noexcept = default;
  ucontext_context(std::byte* top, std::byte* limit, entry body) noexcept;
  ucontext_context(const ucontext_context&) = delete;
  ucontext_context& operator=(const ucontext_context&) = delete;
  ~ucontext_context() { hooks_.end(); }

  static arrival switch_to(ucontext_context& self, ucontext_context& to, void* word,
                           switch_order order = switch_order::ordered) noexcept {
    to.resumer_ = &self;
    to.word_ = word;
    self.hooks_.leaving(to.hooks_, order);
    swapcontext(self.state(), to.state());
    self.hooks_.arrived(self.resumer_->hooks_);
    return {&self, self.resumer_, self.word_};
  }

  // Asks for the part of the stack that is needed first when it is resumed.
  [[gnu::always_inline]] void prefetch_stack() const noexcept {}

 private:
  static void start(unsigned int high, unsigned int low) noexcept;

  ucontext_t* state() noexcept { return reinterpret_cast<ucontext_t*>(state_); }

  // As bytes, because on some systems the type ends in an array of no elements, which as a member
  // is no standard C++.
  alignas(ucontext_t) std::byte state_[sizeof(ucontext_t)];
  entry body_ = nullptr;
  ucontext_context* resumer_ = nullptr;  // written by who resumes, before the switch
  void* word_ = nullptr;                 // likewise
  [[no_unique_address]] switch_hooks hooks_;
};

}  // namespace v1
}  // namespace coir

#endif
