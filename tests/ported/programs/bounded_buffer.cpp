// bounded_buffer.cpp - producers and consumers around a ring, with condition variables.
// SPDX-License-Identifier: BSL-1.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <vector>

#include "threads.hpp"

namespace {

class buffer {
 public:
  void put(std::uint64_t item) {
    STD::unique_lock<STD::mutex> lock(mutex_);
    not_full_.wait(lock, [this] { return count_ < ring_.size(); });
    ring_[(first_ + count_++) % ring_.size()] = item;
    not_empty_.notify_one();
  }
  std::uint64_t take() {
    STD::unique_lock<STD::mutex> lock(mutex_);
    not_empty_.wait(lock, [this] { return count_ > 0; });
    std::uint64_t item = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --count_;
    not_full_.notify_one();
    return item;
  }

 private:
  STD::mutex mutex_;
  STD::condition_variable not_full_;
  STD::condition_variable not_empty_;
  std::array<std::uint64_t, 16> ring_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int pairs = threads_wanted(argc, argv) / 2;
  const int each = 100'000 / pairs;
  buffer items;
  STD::mutex sum_mutex;
  std::uint64_t sum = 0;
  std::vector<STD::thread> threads;
  for (int p = 0; p < pairs; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i) items.put(static_cast<std::uint64_t>(p) * 1'000 + 1);
    });
    threads.emplace_back([&] {
      std::uint64_t own = 0;
      for (int i = 0; i < each; ++i) own += items.take();
      STD::lock_guard<STD::mutex> guard(sum_mutex);
      sum += own;
    });
  }
  for (auto& thread : threads) thread.join();
  std::cout << pairs << " pairs, " << each << " items each, sum " << sum << '\n';
}
