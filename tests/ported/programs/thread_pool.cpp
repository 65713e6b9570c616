// thread_pool.cpp - a pool whose workers take jobs from a queue; the results are added up.
// SPDX-License-Identifier: BSL-1.0
#include <cstdint>
#include <deque>
#include <functional>
#include <iostream>
#include <utility>
#include <vector>

#include "threads.hpp"

namespace {

class pool {
 public:
  explicit pool(int workers) {
    for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
  }
  ~pool() {
    {
      STD::lock_guard<STD::mutex> guard(mutex_);
      closing_ = true;
    }
    available_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  template <class F>
  auto submit(F f) {
    using result = decltype(f());
    STD::packaged_task<result()> job(std::move(f));
    auto future = job.get_future();
    {
      STD::lock_guard<STD::mutex> guard(mutex_);
      jobs_.push_back([shared = std::make_shared<decltype(job)>(std::move(job))] { (*shared)(); });
    }
    available_.notify_one();
    return future;
  }

 private:
  void work() {
    while (true) {
      std::function<void()> job;
      {
        STD::unique_lock<STD::mutex> lock(mutex_);
        available_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job();
    }
  }

  STD::mutex mutex_;
  STD::condition_variable available_;
  std::deque<std::function<void()>> jobs_;
  bool closing_ = false;
  std::vector<STD::thread> workers_;
};

std::uint64_t collatz_steps(std::uint64_t n) {
  std::uint64_t steps = 0;
  for (; n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  return steps;
}

}  // namespace

int main(int argc, char** argv) {
  const int workers = threads_wanted(argc, argv);
  std::vector<STD::future<std::uint64_t>> results;
  std::uint64_t sum = 0;
  {
    pool workers_pool(workers);
    for (std::uint64_t n = 1; n <= 2'000; ++n)
      results.push_back(workers_pool.submit([n] { return collatz_steps(n); }));
    for (auto& result : results) sum += result.get();
  }
  std::cout << "steps of the first 2000 numbers: " << sum << '\n';
}
