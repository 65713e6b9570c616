// generator_producer_consumer.cpp - a producer sends items to a consumer and gets answers back.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <iostream>
#include <optional>
#include <string>

// Yields answers, is sent items. It keeps its place, and its locals, between two items, so it reads
// as one loop, though the producer runs in between.
using consumer = coir::generator<std::string, int>;

consumer make_consumer() {
  return consumer{[](coir::yielder<std::string, int>& yield) {
    std::string answer;
    try {
      // Sends the answer out, and waits here for the next item.
      while (std::optional<int> item = yield(answer)) {
        std::cout << "[consumer] consuming " << *item << '\n';
        answer = "200 OK";
      }
    } catch (const coir::generator_exit&) {
      // close() arrives as this exception; destructors would run without the catch as well.
      std::cout << "[consumer] closing\n";
      throw;
    }
  }};
}

void produce(consumer& c) {
  c.next();  // runs to the first yield; only there can an item be received
  for (int item = 1; item <= 5; ++item) {
    std::cout << "[producer] producing " << item << '\n';
    std::optional<std::string> answer = c.send(item);
    std::cout << "[producer] consumer answers " << *answer << '\n';
  }
  c.close();
}

int main() {
  consumer c = make_consumer();
  produce(c);
}
