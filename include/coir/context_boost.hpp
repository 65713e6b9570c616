// context_boost.hpp - the context switched by Boost.Context's fcontext.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/config.hpp>
#include <coir/sanitizer.hpp>

#include <cstddef>

#if COIR_HAS_BOOST

extern "C" {
// Boost.Context's own functions, by the names its library exports but under names of ours: a
// program that uses coir needs none of Boost's headers, and one that has them sees no other
// declaration of what they declare.
struct coir_boost_transfer {
  void* from;
  void* data;
};
coir_boost_transfer coir_boost_jump(void* to, void* data) __asm__("jump_fcontext");
void* coir_boost_make(void* top, std::size_t size,
                      void (*body)(coir_boost_transfer)) __asm__("make_fcontext");
}

namespace coir {
inline namespace v1 {

// The contract is asm_context's. It saves what jump_fcontext saves: mxcsr and the x87 control word
// too, where Boost was built to do so.
class boost_context {
 public:
  struct arrival {
    boost_context* self;
    boost_context* resumer;
    void* word;
  };
  struct departure {
    boost_context* to;
    void* word;
    [[no_unique_address]] departure_order order = {};
  };
  using entry = departure (*)(boost_context& self, boost_context& resumer, void* word);

  boost_context() noexcept = default;
  boost_context(std::byte* top, std::byte* limit, entry body) noexcept
      : handle_(coir_boost_make(top, static_cast<std::size_t>(top - limit), &start)), body_(body) {
    hooks_.begin(limit, static_cast<std::size_t>(top - limit));
  }
  boost_context(const boost_context&) = delete;
  boost_context& operator=(const boost_context&) = delete;
  ~boost_context() { hooks_.end(); }

  [[gnu::always_inline]] static arrival switch_to(
      boost_context& self, boost_context& to, void* word,
      switch_order order = switch_order::ordered) noexcept {
    parcel sent{&self, &to, word};
    self.hooks_.leaving(to.hooks_, order);
    coir_boost_transfer back = coir_boost_jump(to.handle_, &sent);
    return self.arrive(back);
  }

  // Asks for the part of the stack that is needed first when it is resumed.
  [[gnu::always_inline]] void prefetch_stack() const noexcept { __builtin_prefetch(handle_); }

 private:
  // Lies on the stack of the side that left, which stays as it is until it is resumed.
  struct parcel {
    boost_context* from;
    boost_context* to;
    void* word;
  };

  [[gnu::always_inline]] arrival arrive(coir_boost_transfer back) noexcept {
    parcel received = *static_cast<parcel*>(back.data);
    received.from->handle_ = back.from;
    hooks_.arrived(received.from->hooks_);
    return {this, received.from, received.word};
  }

  static void start(coir_boost_transfer first) noexcept;

  void* handle_ = nullptr;
  entry body_ = nullptr;
  [[no_unique_address]] switch_hooks hooks_;
};

}  // namespace v1
}  // namespace coir

#endif
