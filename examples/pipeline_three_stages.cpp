// pipeline_three_stages.cpp - ten items go through three stages that take a second each.
// SPDX-License-Identifier: BSL-1.0
#include <coir/pipeline.hpp>
#include <coir/runtime.hpp>

#include <chrono>
#include <iostream>
#include <ranges>
#include <string>

#include "stopwatch.hpp"

using namespace std::chrono_literals;

std::string cut(int item) {
  coir::this_fiber::sleep_for(1s);
  return "item " + std::to_string(item) + " cut";
}

std::string paint(std::string item) {
  coir::this_fiber::sleep_for(1s);
  return item + ", painted";
}

std::string pack(std::string item) {
  coir::this_fiber::sleep_for(1s);
  return item + ", packed";
}

// pipeline_three_stages [--virtual]: with a clock that jumps over all waiting, in no time.
int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([&] {
    auto report = [&](const std::string& item) { std::cout << watch << ": " << item << std::endl; };
    auto items = std::views::iota(1, 11);

    std::cout << "one after the other\n";
    for (int item : items) report(pack(paint(cut(item))));

    std::cout << "as a pipeline\n";
    watch.restart();
    auto out = items | coir::stage(cut) | coir::stage(paint) | coir::stage(pack);
    for (const std::string& item : out) report(item);
  });
}
