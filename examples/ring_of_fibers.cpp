// ring_of_fibers.cpp - 503 fibers in a ring pass a token on until it has been handed on often
// enough. SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>
#include <coir/runtime.hpp>

#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

constexpr std::size_t ring_size = 503;

// ring_of_fibers [times]
int main(int argc, char** argv) {
  int times = argc > 1 ? std::atoi(argv[1]) : 100'000;
  coir::run([times] {
    std::vector<std::unique_ptr<coir::channel<int>>> ring;
    for (std::size_t i = 0; i < ring_size; ++i)
      ring.push_back(std::make_unique<coir::channel<int>>());
    coir::channel<std::size_t> last;

    std::vector<coir::task<void>> fibers;
    for (std::size_t i = 0; i < ring_size; ++i)
      fibers.push_back(coir::spawn([&, i] {
        for (int left : *ring[i]) {
          if (left == 0) {
            last.send(i);
          } else {
            ring[(i + 1) % ring_size]->send(left - 1);
          }
        }
      }));

    ring[0]->send(times);
    std::cout << "after " << times << " times fiber " << *last.receive() + 1 << " of " << ring_size
              << " has the token\n";
    for (auto& ch : ring) ch->close();
    for (auto& fiber : fibers) fiber.join();
  });
}
