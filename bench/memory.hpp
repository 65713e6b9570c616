// memory.hpp - what the process holds of the machine's memory, as the kernel counts it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace bench {

// The number after `key` in a file of /proc, in bytes where it is given in kB; 0 without one.
inline double proc_value(const char* path, const std::string& key) {
  std::ifstream file{path};
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(key, 0) != 0) continue;
    double value = std::stod(line.substr(key.size()));
    return line.find("kB") == std::string::npos ? value : value * 1024;
  }
  return 0;
}

inline double available_memory() {
  return proc_value("/proc/meminfo", "MemAvailable:");
}

struct memory {
  double resident;
  double page_tables;
  double mappings;

  static memory now() {
    double lines = 0;
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);) ++lines;
    return {proc_value("/proc/self/smaps_rollup", "Rss:"),
            proc_value("/proc/self/status", "VmPTE:"), lines};
  }

  // What has been added since, by n of them: for each, but for the mappings.
  void count_growth(benchmark::State& state, std::size_t n) const {
    memory after = now();
    auto count = static_cast<double>(n);
    state.counters["contexts"] = count;
    state.counters["resident_bytes"] = (after.resident - resident) / count;
    state.counters["page_table_bytes"] = (after.page_tables - page_tables) / count;
    state.counters["mappings"] = after.mappings - mappings;
  }
};

}  // namespace bench
