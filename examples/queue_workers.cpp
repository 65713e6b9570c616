// queue_workers.cpp - two producers and two consumers share a queue; when all is done the consumers
// are cancelled.
// SPDX-License-Identifier: BSL-1.0
//
//     queue_workers [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <string_view>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

void produce(std::string_view who, coir::queue<int>& queue, int first) {
  for (int value = first; value < first + 5; ++value) {
    queue.put(value);
    std::cout << who << " put " << value << '\n';
    coir::this_fiber::sleep_for(1s);
  }
}

void consume(std::string_view who, coir::queue<int>& queue) {
  while (true) {
    int value = queue.get();
    std::cout << who << " got " << value << '\n';
    coir::this_fiber::sleep_for(1s);
    queue.task_done();
  }
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([&] {
    coir::queue<int> queue;
    auto consumer_1 = coir::spawn(consume, "consumer_1", std::ref(queue));
    auto consumer_2 = coir::spawn(consume, "consumer_2", std::ref(queue));
    auto producer_1 = coir::spawn(produce, "producer_1", std::ref(queue), 10);
    auto producer_2 = coir::spawn(produce, "producer_2", std::ref(queue), 20);

    coir::gather(producer_1, producer_2);
    queue.join();  // until each value that was put is done
    std::cout << "all is done after " << watch << '\n';
    consumer_1.cancel();
    consumer_2.cancel();
    coir::gather_settled(consumer_1, consumer_2);
    std::cout << "the consumers are "
              << (consumer_1.cancelled() && consumer_2.cancelled() ? "" : "not ") << "cancelled\n";

    if (!queue.try_get()) std::cout << "nothing is in the queue\n";
    if (!queue.get_for(1s)) std::cout << "nor came anything in a second\n";
  });
  std::cout << "elapsed: " << watch << '\n';
}
