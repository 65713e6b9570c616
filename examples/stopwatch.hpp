// stopwatch.hpp - how long an example took, by real time or by a clock that jumps over all waiting.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/testing.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <ostream>
#include <string_view>

// Runs from the moment it is made, which is before any fiber is.
//
//     stopwatch watch(argc, argv);
//     coir::run(crawl_all);
//     std::cout << "elapsed: " << watch << '\n';  // elapsed: 4 s
class stopwatch {
 public:
  // With --virtual on the command line, which is taken from it, waiting takes no time.
  stopwatch(int& argc, char** argv) {
    char** end = std::remove(argv + 1, argv + argc, std::string_view("--virtual"));
    if (end != argv + argc) clock_.emplace();
    argc = static_cast<int>(end - argv);
    restart();
  }

  void restart() { start_ = now(); }

  // Rounded to tenths, which a busy machine leaves alone.
  double seconds() const {
    std::chrono::duration<double> elapsed = now() - start_;
    return std::round(elapsed.count() * 10) / 10;
  }

  friend std::ostream& operator<<(std::ostream& out, const stopwatch& watch) {
    return out << watch.seconds() << " s";
  }

 private:
  std::chrono::nanoseconds now() const {
    return clock_ ? clock_->elapsed() : std::chrono::steady_clock::now().time_since_epoch();
  }

  std::optional<coir::testing::virtual_time> clock_;
  std::chrono::nanoseconds start_{};
};
