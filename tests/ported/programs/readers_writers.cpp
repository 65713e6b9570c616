// readers_writers.cpp - a table that many read and few write.
// SPDX-License-Identifier: BSL-1.0
#include <cstddef>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "threads.hpp"

int main(int argc, char** argv) {
  const int threads_in_all = threads_wanted(argc, argv);
  STD::shared_mutex mutex;
  std::map<int, int> balance;  // sums to zero whenever nobody writes
  for (int i = 0; i < 16; ++i) balance[i] = 0;
  STD::atomic<int> torn{0};
  STD::latch all_here(threads_in_all);
  std::vector<STD::thread> threads;
  for (int t = 0; t < threads_in_all; ++t) {
    threads.emplace_back([&, t] {
      all_here.arrive_and_wait();
      for (int round = 0; round < 20; ++round) {
        if (t % 4 == 0) {
          STD::lock_guard<STD::shared_mutex> writing(mutex);
          balance[(t + round) % 16] += round;
          balance[(t + round + 1) % 16] -= round;
        } else {
          STD::shared_lock<STD::shared_mutex> reading(mutex);
          int sum = 0;
          for (auto& [key, value] : balance) sum += value;
          if (sum != 0) torn.fetch_add(1);
        }
        STD::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::cout << threads_in_all << " threads, torn reads " << torn.load() << '\n';
}
