// generator.hpp - a function that yields values one by one, from any depth of its calls.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/generator_frame.hpp>
#include <coir/yielder.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// What a generator runs: called with a yielder&, returns something that becomes a Return.
template <class Body, class Return, class Yielder>
concept generator_body = std::is_invocable_r_v < Return,
        std::decay_t<Body>
&, Yielder& > ;

// A generator runs its body on a stack of its own, from one `yield` to the next, each time a value
// is asked for. Needs no scheduler.
//
//     coir::generator<int> squares{[](auto& yield) {
//       for (int i = 0;; ++i) yield(i * i);
//     }};
//     for (int x : squares | std::views::take(10)) use(x);
//
// Python's rules for next, send, throw, close and return values (PEP 342, 380, 479).
//
// Blocking   next() and the like run the body in the caller's thread. Any thread may resume, one at
//            a time; passing the generator between threads is the caller's to order. Inside a fiber
//            the body may wait like any code of that fiber.
// Lifetime   the body, with what it captured, lives as long as the generator.
// Throws     generator_error for misuse; whatever leaves the body, which closes the generator;
//            making one throws as stack does, or std::invalid_argument where the body does not fit.
// Cost       one pointer; a stack, of which an idle generator touches one page; two switches a
//            value, no allocation.
template <class Yield, class Send = void, class Return = void, class Context = context>
class generator : public std::ranges::view_base {
  using frame_type = generator_frame<Yield, Send, Return, Context>;

 public:
  using yielder_type = yielder<Yield, Send, Context>;
  using item = typename generator_value<Yield>::taken;  // what next() returns

  // Not `using enum`: g++ 12 fails on `generator<int>::closed` inside a template.
  static constexpr generator_state created = generator_state::created;
  static constexpr generator_state running = generator_state::running;
  static constexpr generator_state suspended = generator_state::suspended;
  static constexpr generator_state closed = generator_state::closed;

  // On a stack of the default size.
  template <generator_body<Return, yielder_type> Body>
  explicit generator(Body&& body) : generator(stack(), std::forward<Body>(body)) {}

  // On the stack given.
  template <generator_body<Return, yielder_type> Body>
  generator(stack memory, Body&& body)
      : frame_(holder<std::decay_t<Body>>::make(std::move(memory), std::forward<Body>(body))) {}

  generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  generator& operator=(generator&& other) noexcept {
    generator old(std::move(other));
    std::swap(frame_, old.frame_);
    return *this;
  }

  // Closes. A body that goes on yielding is told to exit 100 times, then the program aborts;
  // another exception goes to stderr.
  ~generator() {
    if (frame_ == nullptr) return;
    dismiss();
    frame_->destroy();
  }

  // Resumes; the `yield` in the body returns nullopt. Empty once the body has returned: an
  // optional, a null pointer where Yield is a reference, false where it is void.
  item next() { return generator_value<Yield>::take(resume(nullptr)); }

  // Resumes; the `yield` in the body returns `value`. Before the first next(): generator_error.
  item send(typename generator_value<Send>::given value) requires(!std::is_void_v<Send>) {
    generator_message message{generator_message::kind::send, generator_value<Send>::address(value)};
    return generator_value<Yield>::take(resume(&message));
  }

  // Resumes by throwing `exception`, an object or a std::exception_ptr, at the `yield`. Where there
  // is none, because the body has not begun or has ended, throws it here.
  template <class Exception>
  item throw_(Exception&& exception) {
    std::exception_ptr pointer;
    if constexpr (std::same_as<std::remove_cvref_t<Exception>, std::exception_ptr>) {
      pointer = exception;
      if (!pointer) throw std::invalid_argument("throw_: a null std::exception_ptr");
    } else {
      pointer = std::make_exception_ptr(std::forward<Exception>(exception));
    }
    return generator_value<Yield>::take(resume_by_throwing(pointer));
  }

  // Throws generator_exit at the `yield`, and returns once the body has ended. Idempotent. A body
  // that yields again: generator_error. Another exception passes through.
  void close() {
    if (state() == created) frame_->set_closed();
    if (state() == closed) return;
    if (!exit_body()) throw generator_error("generator ignored generator_exit");
  }

  generator_state state() const { return frame().state(); }

  // What the body returned. Before that, or if it never returned: generator_error.
  std::add_lvalue_reference_t<Return> result() {
    if (!frame().result().has_value()) throw generator_error("generator has not returned");
    return frame_->result().get();
  }

  // An input iterator. ++ resumes the body only when the next value is looked at, so that a loop
  // which stops early (std::views::take) does not run the body further than it used it.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = std::remove_cvref_t<Yield>;

    iterator() = default;
    iterator(iterator&&) = default;
    iterator& operator=(iterator&&) = default;

    [[gnu::always_inline]] typename generator_value<Yield>::reference operator*() const {
      settle();
      return *static_cast<std::remove_reference_t<Yield>*>(item_);
    }
    [[gnu::always_inline]] iterator& operator++() {
      settle();
      behind_ = true;
      return *this;
    }
    void operator++(int) { ++*this; }
    [[gnu::always_inline]] friend bool operator==(const iterator& i, std::default_sentinel_t) {
      i.settle();
      return i.item_ == nullptr;
    }

   private:
    friend generator;
    explicit iterator(frame_type& frame) : frame_(&frame), item_(frame.resume_body(nullptr)) {}

    [[gnu::always_inline]] void settle() const {
      if (!behind_) return;
      behind_ = false;
      item_ = frame_->resume_body(nullptr);
    }

    frame_type* frame_ = nullptr;  // stays where it is when the generator moves
    mutable void* item_ = nullptr;
    mutable bool behind_ = false;
  };

  // Resumes once: a second loop goes on where the first one stopped.
  iterator begin() requires(!std::is_void_v<Yield>) { return iterator(frame()); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  template <class, class, class>
  friend class yielder;

  // Not alignas(16) alignas(Body): g++ 12 takes the last one, not the strictest.
  template <class Body>
  static constexpr std::size_t alignment = std::max({std::size_t{16}, alignof(frame_type),
                                                     alignof(Body)});

  // The frame with the callable above it. The body's frames begin below, aligned to 16.
  template <class Body>
  class alignas(alignment<Body>) holder : public frame_type {
   public:
    template <class Callable>
    static frame_type* make(stack memory, Callable&& callable) {
      // Room for the body's own frames; with less it could not even throw.
      constexpr std::size_t least = 1024;
      if (memory.size() < sizeof(holder) + alignof(holder) + least)
        throw std::invalid_argument("generator: the stack is too small for its body");
      auto below = reinterpret_cast<std::uintptr_t>(memory.top()) - sizeof(holder);
      void* place = reinterpret_cast<void*>(below & ~(alignof(holder) - 1));
      auto* made = ::new (place) holder(memory.limit(), std::forward<Callable>(callable));
      static constexpr stack_owner owner{"generator"};
      memory.set_owner(&owner);
      made->adopt(std::move(memory));
      return made;
    }

   private:
    template <class Callable>
    holder(std::byte* limit, Callable&& callable)
        : frame_type(limit, operations), body_(std::forward<Callable>(callable)) {}

    static void* run(basic_coroutine<Context>& self, void*) {
      yielder_type& yield = holder::of(self);
      auto& here = static_cast<holder&>(yield);
      here.result().run(here.body_, yield);
      return nullptr;
    }

    static void drop(frame_type& self) noexcept { static_cast<holder&>(self).~holder(); }

    static constexpr typename frame_type::operations operations{&run, &drop};

    Body body_;
  };

  frame_type& frame() const {
    if (frame_ == nullptr) [[unlikely]]
      throw_moved_from();
    return *frame_;
  }

  [[gnu::always_inline]] void* resume(generator_message* message) {
    return frame().resume_body(message);
  }

  void* resume_by_throwing(std::exception_ptr& pointer) {
    if (state() == created || state() == closed) {
      frame_->set_closed();
      std::rethrow_exception(pointer);
    }
    generator_message message{generator_message::kind::raise, &pointer};
    return resume(&message);
  }

  // Whether the body ended when told to exit. Rethrows what it threw instead.
  bool exit_body() {
    generator_message message{generator_message::kind::exit, nullptr};
    try {
      return resume(&message) == nullptr;
    } catch (const generator_exit&) {
      return true;
    }
  }

  void dismiss() noexcept {
    if (frame_->state() == running) abort_destroyed_while_running();
    if (frame_->state() != suspended) return;
    try {
      for (int times = 1; !exit_body(); ++times)
        if (times == 100) abort_never_exits();
    } catch (...) {
      report_lost_exception(std::current_exception());
    }
  }

  [[noreturn, gnu::noinline, gnu::cold]] static void throw_moved_from() {
    throw generator_error("this generator was moved from");
  }

  frame_type* frame_;
};

// A named generator before a range adaptor is referred to, not moved: the loop takes what it needs,
// and the generator goes on from there.
template <class Yield, class Send, class Return, class Context,
          std::invocable<std::ranges::ref_view<generator<Yield, Send, Return, Context>>> Adaptor>
auto operator|(generator<Yield, Send, Return, Context>& source, Adaptor&& adaptor) {
  return std::ranges::ref_view(source) | std::forward<Adaptor>(adaptor);
}

}  // namespace v1
}  // namespace coir
