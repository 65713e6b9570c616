// crawl_gather.cpp - four pages fetched at the same time, and one call that waits for all of them.
// SPDX-License-Identifier: BSL-1.0
//
//     crawl_gather [--virtual]     with a clock that jumps over all waiting
#include <coir/coir.hpp>

#include <chrono>
#include <iostream>
#include <string_view>
#include <vector>

#include "stopwatch.hpp"

void crawl_page(std::string_view url) {
  std::cout << "crawling " << url << '\n';
  coir::this_fiber::sleep_for(std::chrono::seconds(url.back() - '0'));
  std::cout << "OK " << url << '\n';
}

int main(int argc, char** argv) {
  stopwatch watch(argc, argv);
  coir::run([] {
    std::vector<coir::task<void>> tasks;
    for (auto url : {"url_1", "url_2", "url_3", "url_4"})
      tasks.push_back(coir::spawn(crawl_page, url));
    coir::gather(tasks);
  });
  std::cout << "elapsed: " << watch << '\n';
}
