// switch_bench.cpp - the bare switch: two contexts, each switching at a place of its own.
// SPDX-License-Identifier: BSL-1.0
// The floor of everything else. Nothing but the switch itself is between the two loops.
#include "peers/coir.hpp"
#include "peers/cxx20.hpp"
#include "peers/thread.hpp"
#include "peers/ucontext.hpp"

#if BENCH_HAS_BOOST
#include "peers/boost_coroutine2.hpp"
#include "peers/boost_fcontext.hpp"
#include "peers/boost_fiber_ctx.hpp"
#endif

#include <thread>

namespace bench {
namespace {

// One way is half of a call and its return.
void nothing() {
  asm volatile("");
}

void call(benchmark::State& state, std::size_t) {
  void (*volatile target)() = &nothing;
  while (state.KeepRunningBatch(2 * round_trips)) {
    void (*callee)() = target;
    for (std::size_t i = 0; i < round_trips; ++i) {
      asm volatile("" : "+r"(callee));
      callee();
    }
  }
}

void stackless(benchmark::State& state, std::size_t) {
  cxx20::member slot;
  cxx20::task task = cxx20::loop(slot);
  std::coroutine_handle<> handle = task.get();
  while (state.KeepRunningBatch(2 * round_trips)) {
    for (std::size_t i = 0; i < round_trips; ++i) {
      asm volatile("" : "+r"(handle));
      handle.resume();
    }
  }
}

#if BENCH_HAS_BOOST
void coroutine2(benchmark::State& state, std::size_t) {
  boost_coroutine2::pull<void> source{boost_coroutine2::make_pool(),
                                      [](boost_coroutine2::push<void>& sink) {
                                        for (;;) sink();
                                      }};
  while (state.KeepRunningBatch(2 * round_trips)) {
    for (std::size_t i = 0; i < round_trips; ++i) source();
  }
}
#endif

void threads(benchmark::State& state, std::size_t) {
  constexpr std::size_t trips = 100;
  enum { main_thread, other_thread };
  on_one_processor pinned;
  turn now;
  std::thread other{[&] {
    for (;;) {
      now.wait_for(other_thread);
      if (now.ended()) return;
      now.give(main_thread);
    }
  }};
  while (state.KeepRunningBatch(2 * trips)) {
    for (std::size_t i = 0; i < trips; ++i) {
      now.give(other_thread);
      now.wait_for(main_thread);
    }
  }
  now.give(turn::over);
  other.join();
}

const rows table{[] {
#if COIR_HAS_ASM
  add("switch", "coir", &two_sites<coir_asm>);
  add("switch", "coir_call", &two_sites<coir_call>);
#endif
#if COIR_HAS_BOOST
  add("switch", "coir_boost", &two_sites<coir_boost>);
#endif
#if COIR_HAS_UCONTEXT
  add("switch", "coir_ucontext", &two_sites<coir_ucontext>);
#endif
#if BENCH_HAS_BOOST
  add("switch", "boost_fcontext", &two_sites<boost_fcontext>);
  add("switch", "boost_fiber_ctx", &two_sites<boost_fiber_ctx>);
  add("switch", "boost_coroutine2", &coroutine2);
#endif
  add("switch", "ucontext", &two_sites<ucontext>);
  add("switch", "cxx20", &stackless);
  add("switch", "call", &call);
  add("switch", "thread", &threads, 0, process::shared, clock::wall);
}};

}  // namespace
}  // namespace bench
