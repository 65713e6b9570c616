// word_count.cpp - map and reduce: the words of the files named, counted by several, added by one.
// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "threads.hpp"

namespace {

using counts = std::map<std::string, std::size_t>;

counts count_words(const std::vector<std::string>& lines, std::size_t first, std::size_t last) {
  counts result;
  for (std::size_t i = first; i < last; ++i) {
    std::string word;
    for (char c : lines[i] + ' ') {
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        word += c;
      } else if (!word.empty()) {
        ++result[std::exchange(word, {})];
      }
    }
  }
  return result;
}

}  // namespace

// word_count THREADS FILE...
int main(int argc, char** argv) {
  const auto mappers = static_cast<std::size_t>(threads_wanted(argc, argv));
  std::vector<std::string> lines;
  for (int i = 2; i < argc; ++i) {
    std::ifstream in(argv[i]);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
  }
  std::vector<STD::promise<counts>> promises(mappers);
  std::vector<STD::thread> threads;
  for (std::size_t m = 0; m < mappers; ++m) {
    threads.emplace_back([&, m] {
      promises[m].set_value(
          count_words(lines, lines.size() * m / mappers, lines.size() * (m + 1) / mappers));
    });
  }
  counts total;
  for (auto& promise : promises)
    for (auto& [word, count] : promise.get_future().get()) total[word] += count;
  for (auto& thread : threads) thread.join();
  std::vector<std::pair<std::size_t, std::string>> order;
  for (auto& [word, count] : total) order.emplace_back(count, word);
  std::sort(order.rbegin(), order.rend());
  for (std::size_t i = 0; i < std::min<std::size_t>(5, order.size()); ++i)
    std::cout << order[i].second << ' ' << order[i].first << '\n';
}
