// generator_delegate.cpp - one generator hands over to another: yield.from.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

// Is sent temperatures, yields the highest so far; next() ends it. Returns how many there were.
using thermometer = coir::generator<int, int, int>;

thermometer highest() {
  return thermometer{[](coir::yielder<int, int>& yield) {
    std::optional<int> top;
    int count = 0;
    while (true) {
      try {
        std::optional<int> degrees = yield(top.value_or(0));
        if (!degrees) return count;
        if (!top || *degrees > *top) top = degrees;
        ++count;
      } catch (const std::runtime_error& error) {
        // What throw_() is given comes out of the yield above; here it means: begin again.
        std::cout << "  (" << error.what() << ": the values so far do not count)\n";
        top.reset();
        count = 0;
      }
    }
  }};
}

int main() {
  // Two days in one report. While it delegates it sees no value: next, send, throw_ and close go
  // through it to the generator it delegates to. What that returns is its own to use.
  coir::generator<int, int> report{[](auto& yield) {
    for (std::string day : {"Monday", "Tuesday"}) {
      int count = yield.from(highest());
      std::cout << day << " had " << count << " values\n";
    }
  }};
  auto show = [](std::optional<int> top) { std::cout << "highest: " << *top << '\n'; };

  report.next();  // runs to the first yield: Monday's
  for (int degrees : {14, 21, 17}) show(report.send(degrees));
  report.next();  // ends Monday and runs to Tuesday's first yield

  show(report.send(99));
  show(report.throw_(std::runtime_error("sensor fault")));
  show(report.send(19));
  if (!report.next()) std::cout << "the week is over\n";
}
