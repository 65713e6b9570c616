// generator_fibonacci.cpp - a generator as a range, its states, and the value that it returns.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <iostream>
#include <ranges>
#include <tuple>
#include <utility>

const char* name(coir::generator_state state) {
  switch (state) {
    case coir::generator_state::created:
      return "created";
    case coir::generator_state::running:
      return "running";
    case coir::generator_state::suspended:
      return "suspended";
    default:
      return "closed";
  }
}

int main() {
  // Without end: it makes a number when one is asked for.
  coir::generator<int> fibonacci{[](auto& yield) {
    for (int a = 0, b = 1;; std::tie(a, b) = std::pair{b, a + b}) yield(b);
  }};
  std::cout << "the first ten:";
  for (int number : fibonacci | std::views::take(10)) std::cout << ' ' << number;
  // A loop takes what it shows and no more, so the generator goes on from there.
  std::cout << "\nthe next one: " << *fibonacci.next() << "\n\n";

  // With an end: it returns the sum of what it yielded.
  using countdown = coir::generator<int, void, int>;
  countdown* self = nullptr;
  countdown three{[&self](auto& yield) {
    std::cout << "  inside it is " << name(self->state()) << '\n';
    int sum = 0;
    for (int i = 3; i > 0; --i) {
      yield(i);
      sum += i;
    }
    return sum;
  }};
  self = &three;
  std::cout << "before the first next: " << name(three.state()) << '\n';
  while (auto number = three.next())
    std::cout << "yielded " << *number << ": " << name(three.state()) << '\n';
  std::cout << "after the end: " << name(three.state()) << ", returned " << three.result() << '\n';
}
