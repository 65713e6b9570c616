// yielder.hpp - what a generator's body yields by.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/coroutine.hpp>
#include <coir/generator_error.hpp>
#include <coir/generator_value.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

template <class Yield, class Send, class Return, class Context>
class generator;

// A range whose elements can be yielded one by one.
template <class Range, class Given>
concept yieldable_range = std::ranges::input_range<Range> &&
    std::convertible_to<std::ranges::range_reference_t<Range>, Given>;

// Handed to the body; `yield(value)` sends the value out and waits to be resumed.
//
//     std::optional<int> n = yield(text);   // Send = int: what send() sent; nullopt after next()
//     int total = yield.from(other);        // yields all that `other` yields, then its result
//
// With Send = void `yield(value)` returns nothing; with Send = T& it returns a T*.
//
// Lifetime   of the generator's body; used after that or from another stack it throws.
// Throws     generator_exit when the generator is closed, what throw_() was given,
//            generator_error "yield from outside the generator's body".
template <class Yield, class Send = void, class Context = context>
class yielder : private basic_coroutine<Context> {
 public:
  using received =
      std::conditional_t<std::is_void_v<Send>, void, typename generator_value<Send>::taken>;

  received operator()(typename generator_value<Yield>::given value) requires(
      !std::is_void_v<Yield>) {
    return receive(exchange(generator_value<Yield>::address(value)));
  }

  received operator()() requires std::is_void_v<Yield> { return receive(exchange(this)); }

  // Delegates: next, send, throw_ and close reach `sub` until it ends. Its result is copied where
  // it can be and moved otherwise. Cost: one more switch each way per level of delegation.
  template <class Return>
  Return from(generator<Yield, Send, Return, Context>& sub) {
    delegate(sub);
    if constexpr (std::is_copy_constructible_v<Return>) {
      return sub.result();
    } else if constexpr (!std::is_void_v<Return>) {
      return std::move(sub.result());
    }
  }
  template <class Return>
  Return from(generator<Yield, Send, Return, Context>&& sub) {
    delegate(sub);
    if constexpr (std::is_reference_v<Return>) {
      return sub.result();
    } else if constexpr (!std::is_void_v<Return>) {
      return std::move(sub.result());
    }
  }

  // Yields the elements of any other range; what is sent meanwhile is dropped.
  template <yieldable_range<typename generator_value<Yield>::given> Range>
  void from(Range&& range) {
    for (auto&& element : range) (*this)(std::forward<decltype(element)>(element));
  }

 protected:
  using coroutine_type = basic_coroutine<Context>;

  // The body runs below this object, down to `limit`.
  yielder(std::byte* limit, typename coroutine_type::body run) noexcept
      : coroutine_type(reinterpret_cast<std::byte*>(this), limit, run), limit_(limit) {}

  using coroutine_type::resume;
  using coroutine_type::take_failure;

  static yielder& of(coroutine_type& self) noexcept { return static_cast<yielder&>(self); }

 private:
  // Only the body runs on its stack, and after its end nobody does.
  [[gnu::always_inline]] void* exchange(void* item) {
    auto here = static_cast<const std::byte*>(stack_pointer());
    auto self = reinterpret_cast<const std::byte*>(this);
    if (static_cast<std::size_t>(here - limit_) >= static_cast<std::size_t>(self - limit_))
        [[unlikely]]
      throw_outside();
    return this->suspend(item);
  }

  [[gnu::always_inline]] received receive(void* word) {
    if constexpr (std::is_void_v<Send>) {
      if (word != nullptr) [[unlikely]]
        raise(*static_cast<generator_message*>(word));
    } else {
      void* sent = nullptr;
      if (word != nullptr) {
        auto& message = *static_cast<generator_message*>(word);
        if (message.what != generator_message::kind::send) [[unlikely]]
          raise(message);
        sent = message.payload;
      }
      return generator_value<Send>::take(sent);
    }
  }

  template <class Return>
  void delegate(generator<Yield, Send, Return, Context>& sub) {
    void* item = sub.resume(nullptr);
    while (item != nullptr) {
      auto* message = static_cast<generator_message*>(exchange(item));
      if (message != nullptr && message->what != generator_message::kind::send) [[unlikely]]
        item = throw_into(sub, *message);
      else
        item = sub.resume(message);
    }
  }

  // An exit closes `sub` and then is for the delegating body too, even if `sub` stopped it.
  template <class Return>
  [[gnu::noinline, gnu::cold]] static void* throw_into(generator<Yield, Send, Return, Context>& sub,
                                                       const generator_message& message) {
    auto* exception = static_cast<std::exception_ptr*>(message.payload);
    if (message.what == generator_message::kind::raise && !is_generator_exit(*exception))
      return sub.resume_by_throwing(*exception);
    sub.close();
    raise(message);
  }

  [[noreturn, gnu::noinline, gnu::cold]] static void raise(const generator_message& message) {
    if (message.what == generator_message::kind::exit) throw generator_exit{};
    std::rethrow_exception(*static_cast<std::exception_ptr*>(message.payload));
  }

  [[noreturn, gnu::noinline, gnu::cold]] static void throw_outside() {
    throw generator_error("yield from outside the generator's body");
  }

  const std::byte* limit_;
};

}  // namespace v1
}  // namespace coir
