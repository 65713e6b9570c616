// ring_bench.cpp - n contexts resumed in a random order: what the memory behind a switch costs.
// SPDX-License-Identifier: BSL-1.0
// Every subject is found through the same kind of array, and fetched ahead where its handle tells
// what to fetch.
#include "peers/coir.hpp"
#include "peers/cxx20.hpp"
#include "peers/ucontext.hpp"

#if BENCH_HAS_BOOST
#include "peers/boost_fcontext.hpp"
#include "peers/boost_fiber_ctx.hpp"
#endif

namespace bench {
namespace {

template <class Peer>
constexpr run ring = &crowd<Peer, switches_at_once, order::shuffled>;

const rows table{[] {
  for (std::size_t n :
       {std::size_t{10}, std::size_t{1000}, std::size_t{100'000}, std::size_t{1'000'000}}) {
    process where = n < 1'000'000 ? process::shared : process::own;
#if COIR_HAS_ASM
    add("ring", "coir", ring<coir_asm>, n, where);
#endif
#if COIR_HAS_BOOST
    add("ring", "coir_boost", ring<coir_boost>, n, where);
#endif
#if BENCH_HAS_BOOST
    add("ring", "boost_fcontext", ring<boost_fcontext>, n, where);
    add("ring", "boost_fiber_ctx", ring<boost_fiber_ctx>, n, where);
#endif
    if (n <= 1000) add("ring", "ucontext", ring<ucontext>, n, where);
    add("ring", "cxx20", ring<cxx20>, n, where);
  }
}};

}  // namespace
}  // namespace bench
