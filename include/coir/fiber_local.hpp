// fiber_local.hpp - one value per fiber.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// Finds the value of `key` for the running fiber, or the plain thread; null where there is none.
void* find_fiber_local(const void* key) noexcept;

// Gives it one, destroyed by `destroy` when the fiber, or the thread, ends. Throws std::bad_alloc.
void set_fiber_local(const void* key, void* value, void (*destroy)(void*) noexcept);

// One T for each fiber that asks, made when it first does; each plain thread has one, too.
//
//     coir::fiber_local<int> depth;
//     ++*depth;
//
// Lifetime  a value lives until its fiber ends, the youngest destroyed first, on that fiber; the
//           fiber_local itself outlives all fibers that use it.
// Cost      a walk over the values the fiber has; an allocation for the first use.
template <class T>
class fiber_local {
 public:
  // Values are T{}.
  fiber_local() requires(std::is_default_constructible_v<T>) : make_([] { return T(); }) {}
  // Values are what `make` returns.
  explicit fiber_local(std::function<T()> make) : make_(std::move(make)) {}
  fiber_local(const fiber_local&) = delete;
  fiber_local& operator=(const fiber_local&) = delete;

  T& operator*() { return value(); }
  T* operator->() { return &value(); }

 private:
  T& value() {
    if (void* found = find_fiber_local(this)) return *static_cast<T*>(found);
    T* made = new T(make_());
    try {
      set_fiber_local(this, made, [](void* old) noexcept { delete static_cast<T*>(old); });
    } catch (...) {
      delete made;
      throw;
    }
    return *made;
  }

  std::function<T()> make_;
};

}  // namespace v1
}  // namespace coir
