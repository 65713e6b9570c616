// dining_philosophers.cpp - five fibers share five forks, and none of them starves.
// SPDX-License-Identifier: BSL-1.0
//
// Each philosopher needs the forks on both sides. std::scoped_lock takes two coir::mutexes without
// a deadlock, whatever the order; a fiber that waits for a fork lets the others eat.
#include <coir/coir.hpp>

#include <array>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

int main() {
  constexpr std::size_t seats = 5;
  constexpr int meals = 100;
  const std::array<std::string, seats> names{"Aristotle", "Kant", "Spinoza", "Marx", "Russell"};

  coir::run([&] {
    std::array<coir::mutex, seats> forks;
    std::array<int, seats> eaten{};
    std::vector<coir::task<void>> table;
    for (std::size_t seat = 0; seat < seats; ++seat) {
      table.push_back(coir::spawn({.name = names[seat]}, [&, seat] {
        for (int meal = 0; meal < meals; ++meal) {
          coir::this_fiber::yield();  // thinks
          std::scoped_lock both(forks[seat], forks[(seat + 1) % seats]);
          coir::this_fiber::yield();  // eats, holding both forks
          ++eaten[seat];
        }
      }));
    }
    for (auto& philosopher : table) philosopher.join();
    for (std::size_t seat = 0; seat < seats; ++seat)
      std::cout << names[seat] << " ate " << eaten[seat] << " times\n";
  });
}
