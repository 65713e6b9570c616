// generator_grep.cpp - a generator that is sent lines and prints those that contain a pattern.
// SPDX-License-Identifier: BSL-1.0
#include <coir/generator.hpp>

#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

// Yields nothing and is sent lines: a sink. What it learns, it returns: how many lines matched.
// A line is sent by reference, so nothing is copied; it arrives as a pointer.
using line_sink = coir::generator<void, const std::string&, int>;

line_sink grep(std::string pattern) {
  return line_sink{[pattern = std::move(pattern)](coir::yielder<void, const std::string&>& yield) {
    int matches = 0;
    while (const std::string* line = yield()) {  // null: resumed by next(), no more lines
      if (line->find(pattern) == std::string::npos) continue;
      std::cout << *line << '\n';
      ++matches;
    }
    return matches;
  }};
}

// Whether the whole file could be read.
bool send_lines(const char* path, line_sink& sink) {
  std::ifstream file(path);
  if (!file.is_open()) return false;
  for (std::string line; std::getline(file, line);) sink.send(line);
  return !file.bad();
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: generator_grep PATTERN FILE...\n";
    return 2;
  }
  line_sink matching = grep(argv[1]);
  matching.next();  // runs to the first yield, where it waits for lines
  bool all_read = true;
  for (int i = 2; i < argc; ++i) {
    if (!send_lines(argv[i], matching)) {
      std::cerr << "generator_grep: cannot read " << argv[i] << '\n';
      all_read = false;
    }
  }
  matching.next();  // a next() in place of a send() says that there are no more
  // As grep does: 0 where something matched, 1 where nothing did, 2 after an error.
  if (!all_read) return 2;
  return matching.result() > 0 ? 0 : 1;
}
