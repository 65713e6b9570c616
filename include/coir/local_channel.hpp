// local_channel.hpp - a channel for the fibers of one worker, which pays for no atomics.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/channel.hpp>
#include <coir/this_fiber.hpp>
#include <coir/wait.hpp>

namespace coir {
inline namespace v1 {

// How a local_channel is entered: by fibers that stay on one worker, the one of its first use.
class local_door {
 public:
  [[gnu::always_inline]] void admit() { static_cast<void>(checked()); }
  [[gnu::always_inline]] worker* admit_waiter() {
    worker& here = checked();
    check_cancelled(here);
    return &here;
  }

  // Nobody can come between.
  [[gnu::always_inline]] void lock() noexcept {}
  [[gnu::always_inline]] void unlock() noexcept {}

  [[gnu::always_inline]] wait_outcome wait(waiter& w, worker* here, bool timed) noexcept {
    wait_outcome outcome = wait_unlocked(w, *here, timed);
    if (outcome != wait_outcome::success && w.list != nullptr) w.list->remove(w);
    return outcome;
  }

  static constexpr spinlock* guard() noexcept { return nullptr; }

 private:
  [[gnu::always_inline]] worker& checked() {
    worker* here = calling_thread_worker();
    if (here != alone_ && !(here == owner_ && here->current != nullptr && here->current->pinned))
        [[unlikely]]
      bind(here);
    if (here->current == nullptr) [[unlikely]]
      bind(here);
    return *here;
  }

  // Takes possession for the worker on the first use; std::logic_error for any other that is not
  // allowed.
  [[gnu::noinline, gnu::cold]] void bind(worker* here);

  // Nobody yet: no worker has this address, and no thread without one is taken for it.
  worker* nobody() noexcept { return reinterpret_cast<worker*>(this); }

  worker* owner_ = nobody();
  worker* alone_ = nobody();  // the same once it is known to be the only worker of its runtime
};

// A channel between fibers that never change their worker: pinned ones, or those of a runtime with
// one worker. The members are those of channel.
//
//     coir::run([] {
//       coir::local_channel<int> ch{16};
//       auto t = coir::spawn([&] { ch.send(1); });
//       use(ch.receive());
//     });
//
// Lifetime  belongs to the worker whose fiber uses it first; made and destroyed anywhere.
// Cost      as a channel, without its lock and without any other read-modify-write.
// Throws    std::logic_error, in every build, from every member but capacity(), when used by a
// plain
//           thread, on another worker, or by a fiber that may change its worker.
template <class T>
using local_channel = channel<T, local_door>;

}  // namespace v1
}  // namespace coir
