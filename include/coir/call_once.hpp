// call_once.hpp - what many may ask for and one does.
// SPDX-License-Identifier: BSL-1.0
// Budget: a call when all is done is one load.
#pragma once

#include <coir/wait.hpp>

#include <cstdint>
#include <functional>
#include <utility>

namespace coir {
inline namespace v1 {

// std::once_flag.
class once_flag {
 public:
  constexpr once_flag() noexcept = default;
  once_flag(const once_flag&) = delete;
  once_flag& operator=(const once_flag&) = delete;

 private:
  template <class F, class... Args>
  friend void call_once(once_flag& flag, F&& f, Args&&... args);

  enum class stage : std::uint32_t { fresh, running, done };

  // The one who calls; says how it ended when it goes.
  class attempt {
   public:
    explicit attempt(once_flag& flag) noexcept : flag_(flag) {}
    attempt(const attempt&) = delete;
    attempt& operator=(const attempt&) = delete;
    ~attempt() { flag_.end(reached); }
    stage reached = stage::fresh;

   private:
    once_flag& flag_;
  };

  bool done() const noexcept {
    // Acquire: pairs with the release in end().
    return stage_.load(std::memory_order_acquire) == stage::done;
  }

  // Waits while another is at it. True for the one who is to call, and then call end().
  bool begin();
  void end(stage reached) noexcept;

  atomic_cell<stage> stage_{stage::fresh};  // written under lock_
  spinlock lock_;
  wait_list waiters_;  // under lock_
};

// std::call_once: calls f(args...) unless a call with this flag has returned; waits for one that is
// under way. Where f throws, its caller gets the exception and the next one tries.
//
//     static coir::once_flag loaded;
//     coir::call_once(loaded, [] { load_tables(); });
//
// Blocking         suspends the fiber, or blocks the plain thread, while another calls.
// Memory ordering  what the call did is visible after every call_once() with its flag.
// Cancellation     a cancellation point where it waits.
// Throws           what f throws.
template <class F, class... Args>
void call_once(once_flag& flag, F&& f, Args&&... args) {
  if (flag.done() || !flag.begin()) return;
  once_flag::attempt own(flag);
  std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
  own.reached = once_flag::stage::done;
}

}  // namespace v1
}  // namespace coir
