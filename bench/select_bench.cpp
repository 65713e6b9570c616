// select_bench.cpp - a ping-pong in which each side waits for n channels at once.
// SPDX-License-Identifier: BSL-1.0
// As channel_pingpong, with a select in place of each receive; the values take the channels in
// turn.
#include "peers/coir_fiber.hpp"
#include "to_and_fro.hpp"

#include <array>
#include <utility>

namespace bench {
namespace {

template <std::size_t N>
class fan {
 public:
  [[gnu::always_inline]] void send(std::size_t value) { channels_[value % N].send(value); }
  [[gnu::always_inline]] bool receive(std::size_t& out) {
    return receive(out, std::make_index_sequence<N>());
  }
  void close() { channels_[0].close(); }

 private:
  template <std::size_t... I>
  [[gnu::always_inline]] bool receive(std::size_t& out, std::index_sequence<I...>) {
    bool open = false;
    auto take = [&](std::optional<std::size_t> value) {
      open = value.has_value();
      if (open) out = *value;
    };
    coir::select(coir::on_receive(channels_[I].get(), take)...);
    return open;
  }

  std::array<coir_fiber::rendezvous<std::size_t>, N> channels_;
};

template <std::size_t N>
void pingpong(benchmark::State& state, std::size_t) {
  to_and_fro<coir_fiber, fan<N>>(state);
}

const rows table{[] {
  add("select", "coir", &pingpong<2>, 2);
  add("select", "coir", &pingpong<8>, 8);
}};

}  // namespace
}  // namespace bench
