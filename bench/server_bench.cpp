// server_bench.cpp - a scheduler that resumes n contexts in turn, each four frames deep.
// SPDX-License-Identifier: BSL-1.0
// The shape of a server: whoever waits does so some calls below its loop.
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
constexpr run server = &crowd<Peer, switches_below, order::made>;

const rows table{[] {
  for (std::size_t n : {std::size_t{10}, std::size_t{1000}, std::size_t{100'000}}) {
#if COIR_HAS_ASM
    add("server", "coir", server<coir_asm>, n);
    add("server", "coir_call", server<coir_call>, n);
#endif
#if COIR_HAS_BOOST
    add("server", "coir_boost", server<coir_boost>, n);
#endif
#if BENCH_HAS_BOOST
    add("server", "boost_fcontext", server<boost_fcontext>, n);
    add("server", "boost_fiber_ctx", server<boost_fiber_ctx>, n);
#endif
    if (n <= 1000) add("server", "ucontext", server<ucontext>, n);
    add("server", "cxx20", server<cxx20>, n);
  }
}};

}  // namespace
}  // namespace bench
