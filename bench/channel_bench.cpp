// channel_bench.cpp - values through channels: hand to hand, and through a buffer of 64.
// SPDX-License-Identifier: BSL-1.0
#include "peers/coir_fiber.hpp"
#include "to_and_fro.hpp"

#if BENCH_HAS_BOOST_FIBER
#include "peers/boost_fiber.hpp"
#endif

#include <array>
#include <thread>

namespace bench {
namespace {

template <class Peer>
void pingpong(benchmark::State& state, std::size_t) {
  to_and_fro<Peer, typename Peer::template rendezvous<std::size_t>>(state);
}

constexpr std::size_t slots = 64;

template <class Channel>
void send_some(Channel& to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to.send(i);
}

template <class Channel>
void receive_some(Channel& from, std::size_t count) {
  for (std::size_t value = 0; count != 0; --count) {
    from.receive(value);
    benchmark::DoNotOptimize(value);
  }
}

// As many fibers send as receive; all are made anew for every 20 000 values.
template <class Peer, std::size_t Ends>
void through(benchmark::State& state, std::size_t) {
  constexpr std::size_t values = 20'000;
  Peer::run([&] {
    typename Peer::template buffered<std::size_t> channel{slots};
    while (state.KeepRunningBatch(values)) {
      std::array<typename Peer::handle, 2 * Ends> ends;
      for (std::size_t i = 0; i < Ends; ++i) {
        ends[i] = Peer::spawn([&] { send_some(channel, values / Ends); });
        ends[Ends + i] = Peer::spawn([&] { receive_some(channel, values / Ends); });
      }
      for (auto& end : ends) Peer::join(end);
    }
  });
}

// Those that send on one worker, those that receive on another: a plain thread's fibers go to the
// workers in turn.
template <std::size_t Ends>
void across(benchmark::State& state, std::size_t) {
  constexpr std::size_t values = 200'000;
  coir::runtime both = coir::runtime::background({.workers = 2, .stack_size = stack_size});
  coir_fiber::buffered<std::size_t> channel{slots};
  std::array<std::thread::id, 2> worker;
  while (state.KeepRunningBatch(values)) {
    std::array<coir::task<void>, 2 * Ends> ends;
    for (std::size_t i = 0; i < Ends; ++i) {
      ends[i] = both.spawn({.pinned = true}, [&] {
        worker[0] = std::this_thread::get_id();
        send_some(channel, values / Ends);
      });
      ends[Ends + i] = both.spawn({.pinned = true}, [&] {
        worker[1] = std::this_thread::get_id();
        receive_some(channel, values / Ends);
      });
    }
    for (auto& end : ends) end.join();
  }
  if (worker[0] == worker[1]) state.SkipWithError("both ends are on one worker");
}

const rows table{[] {
  add("channel_pingpong", "coir", &pingpong<coir_fiber>);
  add("channel_pingpong", "coir", &pingpong<coir_fiber>, 0, process::single);
  add("channel_pingpong", "coir_local", &pingpong<coir_local_fiber>);
#if BENCH_HAS_BOOST_FIBER
  add("channel_pingpong", "boost_fiber", &pingpong<boost_fiber>);
  add("channel_pingpong", "boost_fiber", &pingpong<boost_fiber>, 0, process::single);
#endif
  add("channel_spsc", "coir", &through<coir_fiber, 1>);
  add("channel_spsc", "coir", &through<coir_fiber, 1>, 0, process::single);
  add("channel_spsc", "coir", &across<1>, 0, process::shared, clock::wall, "workers2");
  add("channel_spsc", "coir_local", &through<coir_local_fiber, 1>);
#if BENCH_HAS_BOOST_FIBER
  add("channel_spsc", "boost_fiber", &through<boost_fiber, 1>);
  add("channel_spsc", "boost_fiber", &through<boost_fiber, 1>, 0, process::single);
#endif
  add("channel_mpmc", "coir", &through<coir_fiber, 4>);
  add("channel_mpmc", "coir", &through<coir_fiber, 4>, 0, process::single);
  add("channel_mpmc", "coir", &across<4>, 0, process::shared, clock::wall, "workers2");
  add("channel_mpmc", "coir_local", &through<coir_local_fiber, 4>);
#if BENCH_HAS_BOOST_FIBER
  add("channel_mpmc", "boost_fiber", &through<boost_fiber, 4>);
  add("channel_mpmc", "boost_fiber", &through<boost_fiber, 4>, 0, process::single);
#endif
}};

}  // namespace
}  // namespace bench
