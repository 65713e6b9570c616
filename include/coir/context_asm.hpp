// context_asm.hpp - the context switched by our own instructions, inline or out of line.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/arch.hpp>
#include <coir/sanitizer.hpp>

#include <cstddef>

#if COIR_HAS_ASM

namespace coir {
inline namespace v1 {
class asm_context;
}
}  // namespace coir

extern "C" {
// asm/: where a computation begins.
void coir_context_start() noexcept;

struct coir_context_arrival {
  coir::switch_frame* resumer;
  void* word;
};

// asm/: the switch as a function. Keeps what its convention says a call keeps, in a frame on the
// stack it leaves, and ends in a `ret` that pairs with the call.
coir_context_arrival coir_context_switch(coir::switch_frame* self, coir::switch_frame* to,
                                         void* word) noexcept;

// asm/: calls `function` as if the computation in `header` had called it, for walks of its stack.
void coir_context_walk(const coir::switch_frame* header, void (*function)(void*),
                       void* argument) noexcept;
}

namespace coir {
inline namespace v1 {

// One suspended computation, or the place to keep the running one when it is left.
//
//     departure entry(asm_context& self, asm_context& resumer, void* word) {
//       return {&resumer, word};
//     }
//     asm_context here, there{top, limit, entry};
//     asm_context::switch_to(here, there, word);
//
// Blocking   never. Signals stay as they are: the signal mask belongs to the thread.
// Lifetime   the stack outlives the context; a context that has not finished may be dropped, and
//            then nothing on its stack is destroyed.
// Throws     nothing; an exception that leaves `entry` terminates. coroutine.hpp hands it over.
// Cost       see arch_*.hpp; 24 bytes.
class asm_context {
 public:
  struct arrival {
    asm_context* self;     // who runs now
    asm_context* resumer;  // who switched here
    void* word;            // what was sent
  };

  // Who runs next, for ever, and what it is sent.
  struct departure {
    asm_context* to;
    void* word;
    [[no_unique_address]] departure_order order = {};
  };

  using entry = departure (*)(asm_context& self, asm_context& resumer, void* word);

  // Nothing yet, and nothing written: the first switch_to that leaves it fills it.
  asm_context() noexcept {}

  // A computation that has not begun, on the stack (limit, top]. `top` is aligned to 16 bytes.
  asm_context(std::byte* top, std::byte* limit, entry body) noexcept {
    first_frame* frame = reinterpret_cast<first_frame*>(top) - 1;
    frame->body = body;
    frame_.sp = frame;
    frame_.bp = nullptr;
    frame_.ip = reinterpret_cast<void*>(&coir_context_start);
    hooks_.begin(limit, static_cast<std::size_t>(top - limit));
  }

  asm_context(const asm_context&) = delete;
  asm_context& operator=(const asm_context&) = delete;
  ~asm_context() { hooks_.end(); }

  // Leaves the running computation in `self` and resumes `to`; returns when `self` is resumed.
#if COIR_INLINE_SWITCH
  [[gnu::always_inline]]
#endif
  static arrival
  switch_to(asm_context& self, asm_context& to, void* word,
            switch_order order = switch_order::ordered) noexcept {
#if COIR_INLINE_SWITCH
    switch_frame* current = &self.frame_;
    switch_frame* other = &to.frame_;
    self.hooks_.leaving(to.hooks_, order);
    inline_switch(current, other, word);
    arrival result{of(current), of(other), word};
    result.self->hooks_.arrived(result.resumer->hooks_);
    return result;
#else
    return call_switch(self, to, word, order);
#endif
  }

  // The same by a call of coir_context_switch: one copy of the switch for all callers. Slower where
  // two sites alternate, for its `ret` then goes where no call came from.
  static arrival call_switch(asm_context& self, asm_context& to, void* word,
                             switch_order order = switch_order::ordered) noexcept {
    self.hooks_.leaving(to.hooks_, order);
    coir_context_arrival back = coir_context_switch(&self.frame_, &to.frame_, word);
    asm_context* resumer = of(back.resumer);
    self.hooks_.arrived(resumer->hooks_);
    return {&self, resumer, back.word};
  }

  // Where it will go on: for debuggers.
  const switch_frame& frame() const noexcept {
    return frame_;
  }

  // Calls `function` so that a walk of the stack which begins there (_Unwind_Backtrace) goes
  // through this computation, which stays suspended meanwhile.
  void walk(void (*function)(void*), void* argument) const noexcept {
    coir_context_walk(&frame_, function, argument);
  }

  // The first thing that runs on a new stack; coir_context_start goes there, by this name.
  [[noreturn, gnu::used, gnu::visibility("hidden")]] static void start(
      switch_frame* self, switch_frame* resumer, void* word, entry body) noexcept asm("coir_begin");

  // Asks for the part of the stack that is needed first when it is resumed. Inlined, since
  // compilers take a function that only prefetches for one without effects, and drop its calls.
  [[gnu::always_inline]] void prefetch_stack() const noexcept {
    __builtin_prefetch(frame_.sp);
  }

 private:
  // What coir_context_start finds at the stack pointer.
  struct alignas(16) first_frame {
    entry body;
    void* unused;
  };
  static_assert(sizeof(first_frame) == 16);

  static asm_context* of(switch_frame* frame) noexcept {
    return reinterpret_cast<asm_context*>(frame);
  }

  switch_frame frame_;  // first: a pointer to it is a pointer to the context
  [[no_unique_address]] switch_hooks hooks_;
};

}  // namespace v1
}  // namespace coir

#endif
