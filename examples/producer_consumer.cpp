// producer_consumer.cpp - two producers and two consumers share a channel with room for four.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>
#include <coir/runtime.hpp>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <vector>

// What a producer sent, or a consumer received.
struct tally {
  int count = 0;
  long total = 0;
  void add(int value) {
    ++count;
    total += value;
  }
};

tally produce(coir::channel<int>& out, unsigned seed) {
  std::mt19937 random(seed);
  tally sent;
  for (int i = 0; i < 50; ++i) {
    // Not a std::uniform_int_distribution, whose numbers differ from library to library.
    int value = static_cast<int>(random() % 1000);
    out.send(value);  // waits while four values are on their way
    sent.add(value);
  }
  return sent;
}

tally consume(coir::channel<int>& in) {
  tally received;
  for (int value : in) {  // until the channel is closed and drained
    received.add(value);
    if (value % 7 == 0) coir::this_fiber::yield();  // some take longer
  }
  return received;
}

// The same seed gives the same numbers: producer_consumer [seed]
int main(int argc, char** argv) {
  unsigned seed =
      argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : std::random_device()();
  std::cout << "seed " << seed << '\n';
  return coir::run([seed] {
    coir::channel<int> ch{4};
    std::vector<coir::task<tally>> producers;
    std::vector<coir::task<tally>> consumers;
    for (unsigned i = 0; i < 2; ++i)
      producers.push_back(coir::spawn(produce, std::ref(ch), seed + i));
    for (int i = 0; i < 2; ++i) consumers.push_back(coir::spawn(consume, std::ref(ch)));

    tally sent;
    tally received;
    for (auto& p : producers) {
      std::cout << "a producer sent " << p.get().count << " values, in all " << p.get().total
                << '\n';
      sent.count += p.get().count;
      sent.total += p.get().total;
    }
    ch.close();
    for (auto& c : consumers) {
      received.count += c.get().count;
      received.total += c.get().total;
    }
    std::cout << "the consumers received " << received.count << " values, in all " << received.total
              << '\n';
    bool same = sent.count == received.count && sent.total == received.total;
    std::cout << (same ? "nothing was lost" : "something was lost") << '\n';
    return same ? 0 : 1;
  });
}
