// context_var.hpp - values that spawned fibers inherit.
// SPDX-License-Identifier: BSL-1.0
// Budget: a spawn by one who has none pays a load and a branch.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

struct context_binding;

// A number that no other variable of this process has, or had.
std::uint64_t new_context_variable() noexcept;

// The value of `variable` for the running fiber, or the plain thread; null where it has none.
const void* find_context_value(std::uint64_t variable) noexcept;

// While it lives `variable` has a value for the running fiber, or the plain thread.
class context_scope {
 public:
  context_scope(std::uint64_t variable, std::shared_ptr<const void> value);
  context_scope(const context_scope&) = delete;
  context_scope& operator=(const context_scope&) = delete;
  ~context_scope();

 private:
  context_binding* own_;
  context_binding* before_;  // what was there before, and comes back
};

// A value that goes along with a piece of work, without being handed through its calls: a fiber
// inherits it at the moment it is spawned, whatever runtime it goes to. What it sets itself, who
// spawned it does not see.
//
//     coir::context_var<std::string> user{"nobody"};
//
//     void serve(const request& r) {
//       coir::context_var<std::string>::scope s{user, r.user};
//       coir::spawn(audit).join();               // *user == r.user in there
//     }                                          // and here it is what it was before
//
// Lifetime  a value lives until its scope has ended, and so have all fibers that inherited it: who
//           is the last destroys it. get() refers to it, so not beyond the scope or the fiber. The
//           variable itself may go before the fibers that inherited a value.
// Cost      get() walks over the variables that have a value here. A scope is two allocations, and
//           one more for each variable that was set since this one was, if it was.
// Throws    scope: std::bad_alloc, what moving the value throws.
//
// A generator's body runs on the fiber that resumes it, and sees what that one sees.
template <class T>
class context_var {
 public:
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a context_var holds a plain value");

  context_var() requires(std::is_default_constructible_v<T>) : default_() {}
  // Where nothing is set the value is this.
  explicit context_var(T value) : default_(std::move(value)) {}
  context_var(const context_var&) = delete;
  context_var& operator=(const context_var&) = delete;

  const T& get() const noexcept {
    const void* bound = find_context_value(number_);
    return bound != nullptr ? *static_cast<const T*>(bound) : default_;
  }
  const T& operator*() const noexcept { return get(); }
  const T* operator->() const noexcept { return std::addressof(get()); }

  // Sets a value for the running fiber, or the plain thread, as long as it lives.
  //
  // Misuse  scopes end in the order opposite to that of their beginning, on the fiber where they
  //         began; anything else aborts.
  class scope {
   public:
    scope(const context_var& variable, T value)
        : core_(variable.number_, std::make_shared<const T>(std::move(value))) {}

   private:
    context_scope core_;
  };

 private:
  const std::uint64_t number_ = new_context_variable();
  const T default_;
};

}  // namespace v1
}  // namespace coir
