// thread_exit.cpp - what is done at the very end of a fiber, or plain thread.
// SPDX-License-Identifier: BSL-1.0
#include <coir/thread_exit.hpp>

#include <coir/wait.hpp>

#include <cstddef>
#include <utility>
#include <vector>

#include "fiber/fiber_locals.hpp"

namespace coir {
inline namespace v1 {

class exit_calls {
 public:
  void add(std::function<void()> last) { calls_.push_back(std::move(last)); }

  // One of them may register another.
  void run() noexcept {
    for (std::size_t i = 0; i < calls_.size(); ++i) std::exchange(calls_[i], nullptr)();
  }

 private:
  std::vector<std::function<void()>> calls_;
};

namespace {

// Not inlined: the address of a thread_local must not be kept over a switch.
[[gnu::noinline]] exit_calls& calls_of_thread() {
  struct at_end {
    exit_calls calls;
    ~at_end() { calls.run(); }
  };
  thread_local at_end own;
  return own.calls;
}

}  // namespace

void at_thread_exit(std::function<void()> last) {
  worker* here = current_worker();
  if (here == nullptr) return calls_of_thread().add(std::move(last));
  exit_calls*& own = here->current->last_calls;
  if (own == nullptr) own = new exit_calls;
  own->add(std::move(last));
}

void run_exit_calls(fiber& self) noexcept {
  self.last_calls->run();
  delete std::exchange(self.last_calls, nullptr);
}

}  // namespace v1
}  // namespace coir
