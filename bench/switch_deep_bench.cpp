// switch_deep_bench.cpp - both contexts in the same code, four returns after each switch.
// SPDX-License-Identifier: BSL-1.0
// Shows what a switch does to the predictor of returns: one that leaves entries behind which no
// return uses makes each return after it a mispredicted one.
#include "peers/coir.hpp"
#include "peers/ucontext.hpp"

#if BENCH_HAS_BOOST
#include "peers/boost_fcontext.hpp"
#include "peers/boost_fiber_ctx.hpp"
#endif

namespace bench {
namespace {

// The frames without a switch, to be taken off in thought; two a round trip.
struct no_switch {
  void swap() { asm volatile("" ::: "memory"); }
};

void call(benchmark::State& state, std::size_t) {
  no_switch link;
  std::size_t times = round_trips;
  benchmark::DoNotOptimize(times);
  while (state.KeepRunningBatch(round_trips)) {
    link = switch_below_times(link, times);
  }
}

const rows table{[] {
#if COIR_HAS_ASM
  add("switch_deep", "coir", &same_code<coir_asm>);
  add("switch_deep", "coir_call", &same_code<coir_call>);
#endif
#if COIR_HAS_BOOST
  add("switch_deep", "coir_boost", &same_code<coir_boost>);
#endif
#if COIR_HAS_UCONTEXT
  add("switch_deep", "coir_ucontext", &same_code<coir_ucontext>);
#endif
#if BENCH_HAS_BOOST
  add("switch_deep", "boost_fcontext", &same_code<boost_fcontext>);
  add("switch_deep", "boost_fiber_ctx", &same_code<boost_fiber_ctx>);
#endif
  add("switch_deep", "ucontext", &same_code<ucontext>);
  add("switch_deep", "call", &call);
}};

}  // namespace
}  // namespace bench
