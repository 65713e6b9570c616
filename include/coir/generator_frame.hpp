// generator_frame.hpp - what a generator keeps at the top of its stack.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/generator_error.hpp>
#include <coir/generator_value.hpp>
#include <coir/stack.hpp>
#include <coir/yielder.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace coir {
inline namespace v1 {

// Where a generator stands.
//
//               next, throw_             yield
//     created --------------> running --------> suspended
//        |                    |     ^               |
//        | close, throw_      |     '---------------'
//        |                    | body ends     next, send, throw_, close
//        v                    v
//      closed <---------------'
//
// The stack and the body belong to the generator in every state; in `running` nobody else touches
// them.
enum class generator_state : unsigned char { created, running, suspended, closed };

// The control block. It lies on the generator's own stack, so that a generator is one pointer and
// an idle one fits the page its frames are on:
//
//     top  +----------------------+
//          | body (the callable)  |
//          | generator_frame      |
//          +----------------------+  where the coroutine's first frame begins
//          | frames of the body   |
//          :                      :
//   limit  +----------------------+
template <class Yield, class Send, class Return, class Context>
class generator_frame : public yielder<Yield, Send, Context> {
 public:
  // How the callable is run and destroyed; only the constructor knows its type.
  struct operations {
    typename basic_coroutine<Context>::body run;
    void (*destroy)(generator_frame& self) noexcept;
  };

  generator_frame(std::byte* limit, const operations& ops) noexcept
      : yielder<Yield, Send, Context>(limit, ops.run), operations_(ops) {}

  // The stack this frame lies on, from now on owned by it.
  void adopt(stack&& memory) noexcept { memory_ = std::move(memory); }

  // Sends `message` (null: next) and returns what was yielded, or null once the body has ended.
  // Rethrows what left the body.
  [[gnu::always_inline]] void* resume_body(generator_message* message) {
    if (state_ != generator_state::suspended) [[unlikely]]
      return resume_unsuspended(message);
    return enter(message);
  }

  generator_state state() const noexcept { return state_; }
  void set_closed() noexcept { state_ = generator_state::closed; }
  generator_result<Return>& result() noexcept { return result_; }

  // Destroys callable and frame, and gives the stack back.
  void destroy() noexcept {
    stack memory = std::move(*memory_);
    operations_.destroy(*this);
  }

 private:
  [[gnu::always_inline]] void* enter(generator_message* message) {
    state_ = generator_state::running;
    void* item = this->resume(message);
    if (item == nullptr) [[unlikely]] {
      end();
    } else {
      state_ = generator_state::suspended;
    }
    return item;
  }

  [[gnu::noinline, gnu::cold]] void* resume_unsuspended(generator_message* message) {
    switch (state_) {
      case generator_state::running:
        throw generator_error("generator already executing");
      case generator_state::closed:
        return nullptr;
      default:
        break;
    }
    if (message != nullptr) throw generator_error("send to a generator that has not started");
    return enter(message);
  }

  [[gnu::noinline, gnu::cold]] void end() {
    state_ = generator_state::closed;
    if (std::exception_ptr failure = this->take_failure()) std::rethrow_exception(failure);
  }

  const operations& operations_;
  std::optional<stack> memory_;
  generator_state state_ = generator_state::created;
  [[no_unique_address]] generator_result<Return> result_;
};

}  // namespace v1
}  // namespace coir
