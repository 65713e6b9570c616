// thread_exit.hpp - something to do when a thread ends, after its thread_local destructors.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <pthread.h>

namespace coir {
inline namespace v1 {

// Not a thread_local object with a destructor: other such destructors, that run later, may still
// use what this one takes down. The C library runs those of its keys last. The main thread's never
// run, which is right: the process ends.
class thread_exit {
 public:
  explicit thread_exit(void (*leave)(void*)) noexcept
      : made_(pthread_key_create(&key_, leave) == 0) {}

  // leave(what) when the calling thread ends. False where the C library has no key left.
  [[nodiscard]] bool arm(void* what) const noexcept {
    return made_ && pthread_setspecific(key_, what) == 0;
  }

 private:
  pthread_key_t key_;
  bool made_;
};

}  // namespace v1
}  // namespace coir
