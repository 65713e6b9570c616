// create_bench.cpp - a context is made, entered once and dropped; stacks are recycled.
// SPDX-License-Identifier: BSL-1.0
#include "peers/coir.hpp"
#include "peers/cxx20.hpp"
#include "peers/ucontext.hpp"

#include <coir/coroutine.hpp>

#if BENCH_HAS_BOOST
#include "peers/boost_coroutine2.hpp"
#include "peers/boost_fcontext.hpp"
#include "peers/boost_fiber_ctx.hpp"

#include <boost/context/pooled_fixedsize_stack.hpp>
#endif

#include <thread>

namespace bench {
namespace {

constexpr std::size_t batch = 100;

template <class Make>
[[gnu::always_inline]] inline void repeat(benchmark::State& state, Make make) {
  make();
  while (state.KeepRunningBatch(batch)) {
    for (std::size_t i = 0; i < batch; ++i) make();
  }
}

template <class Context>
void coroutine(benchmark::State& state, std::size_t) {
  using made = coir::basic_coroutine<Context>;
  repeat(state, [&] {
    coir::stack stack{{.size = stack_size}};
    made one{stack.top(), stack.limit(), [](made&, void* word) { return word; }};
    benchmark::DoNotOptimize(one.resume(&state));
  });
}

#if BENCH_HAS_BOOST
void fcontext(benchmark::State& state, std::size_t) {
  namespace raw = boost::context::detail;
  repeat(state, [&] {
    coir::stack stack{{.size = stack_size}};
    auto body = [](raw::transfer_t from) { raw::jump_fcontext(from.fctx, from.data); };
    raw::fcontext_t one = raw::make_fcontext(stack.top(), stack.size(), body);
    benchmark::DoNotOptimize(raw::jump_fcontext(one, &state).data);
  });
}

void fiber_ctx(benchmark::State& state, std::size_t) {
  using boost::context::fiber;
  boost::context::pooled_fixedsize_stack pool{stack_size};
  repeat(state, [&] {
    fiber one{std::allocator_arg, pool, [](fiber&& from) { return std::move(from); }};
    one = std::move(one).resume();
    benchmark::DoNotOptimize(one);
  });
}

void coroutine2(benchmark::State& state, std::size_t) {
  auto pool = boost_coroutine2::make_pool();
  repeat(state, [&] {
    boost_coroutine2::pull<void> one{pool, [](boost_coroutine2::push<void>&) {}};
    benchmark::DoNotOptimize(one);
  });
}
#endif

struct returns_at_once {
  void operator()(ucontext::link& link) const { link.swap(); }
};

void swapped(benchmark::State& state, std::size_t) {
  repeat(state, [] {
    ucontext::pair<returns_at_once> one;
    one.begin().swap();
  });
}

[[gnu::noinline]] cxx20::task empty() {
  co_return;
}

void stackless(benchmark::State& state, std::size_t) {
  repeat(state, [] {
    cxx20::task one = empty();
    one.get().resume();
    benchmark::DoNotOptimize(one);
  });
}

void threads(benchmark::State& state, std::size_t) {
  repeat(state, [] { std::thread([] {}).join(); });
}

const rows table{[] {
#if COIR_HAS_ASM
  add("create", "coir", &coroutine<coir::asm_context>);
#endif
#if COIR_HAS_BOOST
  add("create", "coir_boost", &coroutine<coir::boost_context>);
#endif
#if COIR_HAS_UCONTEXT
  add("create", "coir_ucontext", &coroutine<coir::ucontext_context>);
#endif
#if BENCH_HAS_BOOST
  add("create", "boost_fcontext", &fcontext);
  add("create", "boost_fiber_ctx", &fiber_ctx);
  add("create", "boost_coroutine2", &coroutine2);
#endif
  add("create", "ucontext", &swapped);
  add("create", "cxx20", &stackless);
  add("create", "thread", &threads, 0, process::shared, clock::wall);
}};

}  // namespace
}  // namespace bench
