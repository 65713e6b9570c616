// crawl_sequential.cpp - four pages, fetched one after the other: their times add up.
// SPDX-License-Identifier: BSL-1.0
//
//     crawl_sequential [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <iostream>
#include <string_view>

#include "stopwatch.hpp"

void crawl_page(std::string_view url) {
  std::cout << "crawling " << url << '\n';
  coir::this_fiber::sleep_for(std::chrono::seconds(url.back() - '0'));
  std::cout << "OK " << url << '\n';
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([] {
    for (auto url : {"url_1", "url_2", "url_3", "url_4"}) crawl_page(url);
  });
  std::cout << "elapsed: " << watch << '\n';
}
