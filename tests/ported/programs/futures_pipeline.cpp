// futures_pipeline.cpp - a chain of threads, each of which waits for the future of the one before.
// SPDX-License-Identifier: BSL-1.0
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <utility>
#include <vector>

#include "threads.hpp"

int main(int argc, char** argv) {
  const int links = threads_wanted(argc, argv);
  STD::promise<std::uint64_t> first;
  STD::future<std::uint64_t> last = first.get_future();
  std::vector<STD::thread> threads;
  for (int i = 0; i < links; ++i) {
    STD::promise<std::uint64_t> out;
    STD::future<std::uint64_t> in = std::exchange(last, out.get_future());
    threads.emplace_back([i, in = std::move(in), out = std::move(out)]() mutable {
      out.set_value(in.get() * 31 + static_cast<std::uint64_t>(i));
    });
  }
  first.set_value(1);
  std::cout << links << " links, " << last.get() << '\n';
  for (auto& thread : threads) thread.join();
}
