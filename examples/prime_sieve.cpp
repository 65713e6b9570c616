// prime_sieve.cpp - a chain of fibers, one for each prime; each lets pass what it does not divide.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>
#include <coir/runtime.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>

using numbers = std::shared_ptr<coir::channel<int>>;

numbers make_numbers() {
  return std::make_shared<coir::channel<int>>();
}

// 2, 3, 4, ...
void generate(numbers out) {
  for (int i = 2;; ++i) out->send(i);
}

void filter(numbers in, numbers out, int prime) {
  for (int i : *in)
    if (i % prime != 0) out->send(i);
}

// prime_sieve [count]
int main(int argc, char** argv) {
  int count = argc > 1 ? std::atoi(argv[1]) : 25;
  coir::run([count] {
    numbers in = make_numbers();
    coir::spawn(generate, in);
    for (int i = 0; i < count; ++i) {
      int prime = in->receive().value();
      std::cout << prime << '\n';
      numbers out = make_numbers();
      coir::spawn(filter, in, out, prime);
      in = out;
    }
    // The chain has no end of its own: at the end of run() its fibers are cancelled where they
    // wait.
  });
}
