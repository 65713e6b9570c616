// switch_sched_bench.cpp - the switch as a scheduler does it, with all that belongs to a fiber.
// SPDX-License-Identifier: BSL-1.0
// Over the bare switch: a look at the exception state on both sides, the link to the resumer, and a
// store of who runs to a record of the thread, there and back.
#include "harness.hpp"

#include <coir/coroutine.hpp>
#include <coir/stack.hpp>

namespace bench {
namespace {

constinit thread_local void* current = nullptr;

template <class Context>
void scheduled(benchmark::State& state, std::size_t) {
  using coroutine = coir::basic_coroutine<Context>;
  coir::stack stack{{.size = stack_size}};
  coroutine fiber{stack.top(), stack.limit(), [](coroutine& self, void* word) -> void* {
                    while (word != nullptr) word = self.suspend(word);
                    return nullptr;
                  }};
  void* word = &state;
  word = fiber.resume(word);
  while (state.KeepRunningBatch(2 * round_trips)) {
    for (std::size_t i = 0; i < round_trips; ++i) {
      current = &fiber;
      word = fiber.resume(word);
      current = nullptr;
      asm volatile("" ::: "memory");
    }
  }
  benchmark::DoNotOptimize(word);
}

const rows table{[] {
#if COIR_HAS_ASM
  add("switch_sched", "coir", &scheduled<coir::asm_context>);
#endif
#if COIR_HAS_BOOST
  add("switch_sched", "coir_boost", &scheduled<coir::boost_context>);
#endif
#if COIR_HAS_UCONTEXT
  add("switch_sched", "coir_ucontext", &scheduled<coir::ucontext_context>);
#endif
}};

}  // namespace
}  // namespace bench
