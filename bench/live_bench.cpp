// live_bench.cpp - what one suspended context holds of memory, measured over a million of them.
// SPDX-License-Identifier: BSL-1.0
// The time of a row is that of the first making: pages touched for the first time and all.
#include "memory.hpp"
#include "peers/cxx20.hpp"
#include "peers/thread.hpp"

#include <coir/coroutine.hpp>
#include <coir/stack.hpp>

#if BENCH_HAS_BOOST
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#endif

#include <pthread.h>
#include <sys/prctl.h>

#include <memory>
#include <utility>

namespace bench {
namespace {

constexpr std::size_t million = 1'000'000;

// Makes n of what `make` makes, and drops none: the process ends after the row. Room for the
// objects themselves is counted, as they are part of the price.
template <class Object, class Make>
void hold(benchmark::State& state, std::size_t n, double bytes_each, Make make) {
  if (available_memory() < bytes_each * static_cast<double>(n)) {
    state.SkipWithError("too little memory is free for so many");
    return;
  }
  // Stacks on huge pages would be resident whole.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  memory before = memory::now();
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(n))) {
    auto* objects = std::allocator<Object>{}.allocate(n);
    for (std::size_t i = 0; i < n; ++i) make(objects + i);
    benchmark::DoNotOptimize(objects);
  }
  before.count_growth(state, n);
}

template <class Context>
struct coroutine_and_stack {
  using coroutine = coir::basic_coroutine<Context>;
  coir::stack stack{{.size = stack_size}};
  coroutine held{stack.top(), stack.limit(), [](coroutine& self, void* word) -> void* {
                   for (;;) word = self.suspend(word);
                 }};
};

template <class Context>
void coroutines(benchmark::State& state, std::size_t) {
  using object = coroutine_and_stack<Context>;
  hold<object>(state, million, 5000, [](object* place) {
    std::construct_at(place);
    place->held.resume(nullptr);
  });
}

#if BENCH_HAS_BOOST
template <class Allocator>
void fibers(benchmark::State& state, std::size_t n) {
  using boost::context::fiber;
  Allocator allocator{stack_size};
  hold<fiber>(state, n == 0 ? million : n, 14'000, [&](fiber* place) {
    std::construct_at(place, fiber{std::allocator_arg, allocator,
                                   [](fiber&& from) {
                                     for (;;) from = std::move(from).resume();
                                     return fiber{};
                                   }}
                                 .resume());
  });
}
#endif

void stackless(benchmark::State& state, std::size_t) {
  hold<cxx20::task>(state, million, 200, [](cxx20::task* place) {
    static cxx20::member slot;
    std::construct_at(place, cxx20::loop(slot));
    place->get().resume();
  });
}

// Each waits on a futex for ever; the process ends over them.
void threads(benchmark::State& state, std::size_t n) {
  static turn never;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_size);
  hold<pthread_t>(state, n, 40'000, [&](pthread_t* place) {
    pthread_create(
        place, &attributes,
        [](void*) -> void* {
          never.wait_for(1);
          return nullptr;
        },
        nullptr);
  });
  pthread_attr_destroy(&attributes);
}

const rows table{[] {
#if COIR_HAS_ASM
  add("live", "coir", &coroutines<coir::asm_context>, 0, process::own);
#endif
#if COIR_HAS_BOOST
  add("live", "coir_boost", &coroutines<coir::boost_context>, 0, process::own);
#endif
#if BENCH_HAS_BOOST
  using namespace boost::context;
  add("live", "boost_fiber_ctx", &fibers<fixedsize_stack>, 0, process::own);
  add("live", "boost_fiber_ctx_pooled", &fibers<pooled_fixedsize_stack>, 0, process::own);
  add("live", "boost_fiber_ctx_protected", &fibers<protected_fixedsize_stack>, 10'000,
      process::own);
#endif
  add("live", "cxx20", &stackless, 0, process::own);
  add("live", "thread", &threads, 1000, process::own, clock::wall);
}};

}  // namespace
}  // namespace bench
