// condvar_bench.cpp - two fibers that hand a turn to each other through a condition variable.
// SPDX-License-Identifier: BSL-1.0
#include "peers/coir_fiber.hpp"
#include "peers/std_thread.hpp"

#if BENCH_HAS_BOOST_FIBER
#include "peers/boost_fiber.hpp"
#endif

#include <array>
#include <mutex>

namespace bench {
namespace {

template <class Peer>
class baton {
 public:
  // False once it is over.
  bool take(std::size_t me) {
    std::unique_lock lock{mutex_};
    while (holder_ != me && !over_) changed_[me].wait(lock);
    return !over_;
  }
  void give(std::size_t whom) {
    {
      std::lock_guard lock{mutex_};
      holder_ = whom;
    }
    changed_[whom].notify_one();
  }
  void end() {
    {
      std::lock_guard lock{mutex_};
      over_ = true;
    }
    changed_[1].notify_one();
  }

 private:
  typename Peer::mutex mutex_;
  std::array<typename Peer::condition_variable, 2> changed_;
  std::size_t holder_ = 0;
  bool over_ = false;
};

// One way is half of a round trip.
template <class Peer>
void pingpong(benchmark::State& state, std::size_t) {
  Peer::run([&] {
    baton<Peer> turn;
    auto other = Peer::spawn([&] {
      while (turn.take(1)) turn.give(0);
    });
    while (state.KeepRunningBatch(2 * round_trips)) {
      for (std::size_t i = 0; i < round_trips; ++i) {
        turn.give(1);
        turn.take(0);
      }
    }
    turn.end();
    Peer::join(other);
  });
}

const rows table{[] {
  add("condvar_pingpong", "coir", &pingpong<coir_fiber>);
  add("condvar_pingpong", "coir", &pingpong<coir_fiber>, 0, process::single);
#if BENCH_HAS_BOOST_FIBER
  add("condvar_pingpong", "boost_fiber", &pingpong<boost_fiber>);
  add("condvar_pingpong", "boost_fiber", &pingpong<boost_fiber>, 0, process::single);
#endif
  add("condvar_pingpong", "thread", &pingpong<std_thread>, 0, process::shared, clock::wall);
}};

}  // namespace
}  // namespace bench
