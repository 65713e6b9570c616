// coroutine.hpp - a context with someone who resumes it: what generators are made of.
// SPDX-License-Identifier: BSL-1.0
// Budget: over the bare switch one door to the thread, two loads, a branch and a store each way.
#pragma once

#include <coir/context.hpp>
#include <coir/thread_state.hpp>

#include <cstddef>
#include <exception>
#include <utility>

namespace coir {
inline namespace v1 {

// An asymmetric coroutine: resume() goes in, suspend() comes back to whoever resumed last, on
// whatever thread. It takes with it what the C++ runtime keeps per thread: the exceptions being
// handled and the count of uncaught ones. So either side may switch inside a catch block or in a
// destructor during unwinding, and finds its own exceptions when it is back.
//
//     void* body(coir::coroutine& self, void* word) {
//       while (word != nullptr) word = self.suspend(word);
//       return nullptr;
//     }
//     coir::coroutine echo{stack.top(), stack.limit(), body};
//     void* back = echo.resume(word);
//
// Invariant  while a switch is under way the thread's exception record is empty: the side that
//            leaves took its own with it.
// Lifetime   dropped before done(), nothing on its stack is destroyed. It does not move.
// Throws     nothing; an exception that leaves `body` is kept for take_failure().
template <class Context>
class basic_coroutine {
 public:
  // Runs on the first resume() with its word. What it returns goes to the last resumer.
  using body = void* (*)(basic_coroutine& self, void* word);

  basic_coroutine(std::byte* top, std::byte* limit, body run) noexcept
      : context_(top, limit, &start), run_(run) {}
  basic_coroutine(const basic_coroutine&) = delete;
  basic_coroutine& operator=(const basic_coroutine&) = delete;

  // Sends `word` in; returns what suspend() or the body's end sends back. The coroutine is neither
  // running nor done.
  [[gnu::always_inline]] void* resume(void* word) noexcept {
    if (exceptions_live(calling_thread_exceptions())) [[unlikely]]
      return resume_amid_exceptions(word);
    return enter(word);
  }

  // Sends `word` back to the resumer; returns what the next resume() sends. Called on this stack.
  [[gnu::always_inline]] void* suspend(void* word) noexcept {
    if (exceptions_live(calling_thread_exceptions())) [[unlikely]]
      return suspend_amid_exceptions(word);
    return leave(word);
  }

  bool done() const noexcept { return run_ == nullptr; }

  // The exception that ended the body, once; null if none did.
  std::exception_ptr take_failure() noexcept { return std::exchange(failure_, nullptr); }

 private:
  [[gnu::always_inline]] void* enter(void* word) noexcept {
    basic_coroutine& self = here();
    return Context::switch_to(self.home_, self.context_, word).word;
  }

  [[gnu::always_inline]] void* leave(void* word) noexcept {
    basic_coroutine& self = here();
    return Context::switch_to(self.context_, self.home_, word).word;
  }

  // *this, of which the compiler must not know that it is the same each time. In a loop it would
  // keep the addresses of both headers, and since a switch leaves no register alone, on the stack:
  // a load more in the chain from one switch to the next.
  [[gnu::always_inline]] basic_coroutine& here() noexcept {
    basic_coroutine* self = this;
    asm volatile("" : "+r"(self));
    return *self;
  }

  // The slow paths: the exceptions wait on the stack of the side they belong to.
  [[gnu::noinline, gnu::cold]] void* resume_amid_exceptions(void* word) noexcept {
    if (calling_thread().exceptions == &unattached_exceptions) {
      attach_thread();
      return resume(word);
    }
    exception_globals own = std::exchange(*calling_thread().exceptions, {});
    word = enter(word);
    *calling_thread().exceptions = own;
    return word;
  }

  [[gnu::noinline, gnu::cold]] void* suspend_amid_exceptions(void* word) noexcept {
    exception_globals own = std::exchange(*calling_thread().exceptions, {});
    word = leave(word);
    *calling_thread().exceptions = own;
    return word;
  }

  static typename Context::departure start(Context& self_context, Context&, void* word) {
    auto& self = *reinterpret_cast<basic_coroutine*>(&self_context);  // context_ is first
    try {
      word = self.run_(self, word);
    } catch (...) {
      self.failure_ = std::current_exception();
      word = nullptr;
    }
    self.run_ = nullptr;
    return {&self.home_, word};
  }

  Context context_;  // first: start() finds the coroutine by it
  Context home_;     // who resumed last, while it runs
  body run_;         // null once the body has ended
  std::exception_ptr failure_;
};

using coroutine = basic_coroutine<context>;

}  // namespace v1
}  // namespace coir
