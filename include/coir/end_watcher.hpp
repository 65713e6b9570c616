// end_watcher.hpp - is told when a fiber has ended, without waiting for it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>
#include <coir/wait.hpp>

namespace coir {
inline namespace v1 {

// First registered, first told, on the thread that ends the fiber. The end is seen: result and
// failure are there.
class end_watcher {
 public:
  end_watcher(const end_watcher&) = delete;
  end_watcher& operator=(const end_watcher&) = delete;

  // From then on it is told; false, and nothing done, where f has ended already.
  bool watch(fiber& f) noexcept;

  // It is not told any more; where that is under way it is over when this returns. Not for one that
  // is told afterwards.
  void leave(fiber& f) noexcept;

 protected:
  enum class told { under_lock, afterwards };

  explicit end_watcher(told when) noexcept : when_(when) {}
  ~end_watcher() = default;

  // Under the lock of f, or, told afterwards, with nothing held: then it may delete itself. A
  // waiter that this has decided is resumed by the caller, with nothing held.
  virtual waiter* ended(fiber& f) noexcept = 0;

 private:
  friend class fiber_end;

  const told when_;
  bool listed_ = false;  // under the lock of f, as the two below
  end_watcher* next_ = nullptr;
  end_watcher* previous_ = nullptr;
};

}  // namespace v1
}  // namespace coir
