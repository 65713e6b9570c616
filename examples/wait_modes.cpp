// wait_modes.cpp - ten tasks sleep; waiting for the first, for a second, and for the rest.
// SPDX-License-Identifier: BSL-1.0
//
//     wait_modes [--virtual] [SEED]     the same seed gives the same sleeps
#include <coir/coir.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "stopwatch.hpp"

using namespace std::chrono_literals;
using nap = coir::task<void>;

void show(std::string_view mode, const coir::wait_result<nap>& result, const stopwatch& watch) {
  std::cout << mode << ": " << result.done.size() << " done, " << result.pending.size()
            << " pending after " << watch << '\n';
  for (const nap& t : result.done) std::cout << "  " << t.name() << '\n';
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  unsigned seed =
      argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : std::random_device()();
  std::cout << "seed " << seed << '\n';
  return coir::run([&] {
    std::mt19937 random(seed);
    std::vector<nap> naps;
    for (int i = 0; i < 10; ++i) {
      // Not a std::uniform_int_distribution, whose numbers differ from library to library.
      std::chrono::milliseconds length(100 * (random() % 30));
      naps.push_back(coir::spawn({.name = "nap_" + std::to_string(i)},
                                 [length] { coir::this_fiber::sleep_for(length); }));
    }

    auto first = coir::wait(naps, coir::first_completed);
    show("first completed", first, watch);
    auto second = coir::wait(first.pending, 1s);
    show("a second more", second, watch);
    std::size_t done = first.done.size() + second.done.size();
    if (!second.pending.empty()) {  // there is no waiting for nothing
      auto rest = coir::wait(second.pending);
      show("all the rest", rest, watch);
      done += rest.done.size();
    }
    std::cout << done << " of " << naps.size() << " are done\n";
    return done == naps.size() ? 0 : 1;
  });
}
