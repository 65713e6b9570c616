// to_and_fro.hpp - a value goes to another fiber and comes back, by whatever carries it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "harness.hpp"

#include <cstddef>

namespace bench {

// One way is half of a round trip.
template <class Peer, class Link>
void to_and_fro(benchmark::State& state) {
  Peer::run([&] {
    Link there;
    Link back;
    auto other = Peer::spawn([&] {
      for (std::size_t value = 0; there.receive(value);) back.send(value);
    });
    while (state.KeepRunningBatch(2 * round_trips)) {
      for (std::size_t i = 0; i < round_trips; ++i) {
        std::size_t value = i;
        there.send(value);
        back.receive(value);
      }
    }
    there.close();
    Peer::join(other);
  });
}

}  // namespace bench
