// harness.cpp - the benchmark program: collects the rows, runs them, writes JSON under plain names.
// SPDX-License-Identifier: BSL-1.0
#include "harness.hpp"

#include <coir/shared_word.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#if BENCH_HAS_BOOST
#include <boost/version.hpp>
#endif

namespace bench {
namespace {

struct row {
  std::string name;
  run measure;
  std::size_t n;
  process where;
  clock by;

  bool alone() const { return where == process::own || where == process::own_single; }
  bool single() const { return where == process::single || where == process::own_single; }

  // As bench/run sorts them.
  const char* kind() const { return alone() ? "own" : single() ? "single" : "shared"; }
};

std::vector<row>& all_rows() {
  static std::vector<row> list;
  return list;
}

std::map<std::string, std::string>& all_subjects() {
  static std::map<std::string, std::string> list;
  return list;
}

// From here on the process has a second thread, which sleeps.
void have_company() {
  static const bool started = [] {
    std::thread{[] {
      for (;;) pause();
    }}.detach();
    return true;
  }();
  static_cast<void>(started);
}

void show_progress(const std::string& name) {
  static const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal) std::fprintf(stderr, "\r\033[K  %s", name.c_str());
}

// Google Benchmark appends how a row was run to its name; here the name is the row's and no more.
class plain_json : public benchmark::JSONReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> plain = runs;
    for (Run& one : plain) {
      benchmark::BenchmarkName name;
      name.function_name = std::exchange(one.run_name, {}).function_name;
      one.run_name = std::move(name);
    }
    benchmark::JSONReporter::ReportRuns(plain);
  }
};

// The table is report.py's; only what could not run is said at once.
class quiet : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& one : runs) {
      if (!one.error_occurred) continue;
      std::fprintf(stderr, "%s is left out: %s\n", one.run_name.function_name.c_str(),
                   one.error_message.c_str());
      return;
    }
  }
};

constexpr const char* usage =
    R"(coir_bench runs benchmarks of coir and its peers; bench/run builds, runs and reports.
  --list        print the rows, each with the kind of process it wants, and end
  --filter=RE   only rows whose name has a match of this regular expression
  --shared      only rows that can share a process
  --single      only rows that share a process of one thread
  --row=NAME    only this row
and the options of Google Benchmark:
)";

// What the command line asks for; its own options are taken out of it.
struct selection {
  bool list = false;
  std::string kind;
  std::string name;
  std::regex filter{""};  // matches all

  selection(int& argc, char** argv) {
    int kept = 1;
    for (int i = 1; i < argc; ++i) {
      std::string_view word = argv[i];
      if (word == "--list") {
        list = true;
      } else if (word == "--shared" || word == "--single") {
        kind = word.substr(2);
      } else if (word.starts_with("--row=")) {
        name = word.substr(6);
      } else if (word.starts_with("--filter=")) {
        filter = std::regex(std::string(word.substr(9)));
      } else {
        argv[kept++] = argv[i];
      }
    }
    argc = kept;
  }

  bool has(const row& one) const {
    if (!kind.empty() && kind != one.kind()) return false;
    if (!name.empty()) return one.name == name;
    return std::regex_search(one.name, filter);
  }
};

void give_to_google_benchmark(const row& one) {
  benchmark::internal::Benchmark* made =
      benchmark::RegisterBenchmark(one.name.c_str(), [one](benchmark::State& state) {
        show_progress(one.name);
        if (!one.single()) have_company();
        one.measure(state, one.n);
        if (one.single() && !coir::single_threaded()) {
          state.SkipWithError("the C library does not say that there is one thread only");
        }
        if (one.by != clock::processor) state.SetLabel("wall");
      });
  if (one.by == clock::wall) made->UseRealTime();
  if (one.by == clock::manual) made->UseManualTime();
  if (one.alone()) made->Iterations(1);
}

// A run by hand is shown; one for the report writes its file.
std::size_t run_and_report(bool to_file) {
  if (!to_file) return benchmark::RunSpecifiedBenchmarks();
  quiet display;
  plain_json file;
  return benchmark::RunSpecifiedBenchmarks(&display, &file);
}

int run_program(int argc, char** argv) {
  selection wanted(argc, argv);
  if (wanted.list) {
    for (const row& one : all_rows()) {
      if (!wanted.has(one)) continue;
      std::printf("%s %s\n", one.kind(), one.name.c_str());
    }
    return 0;
  }
  bool to_file = std::any_of(argv, argv + argc, [](const char* word) {
    return std::string_view(word).starts_with("--benchmark_out=");
  });
  benchmark::Initialize(&argc, argv, [] {
    std::fputs(usage, stdout);
    benchmark::PrintDefaultHelp();
  });
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const auto& [name, settings] : all_subjects()) {
    benchmark::AddCustomContext("subject:" + name, settings);
  }
  benchmark::AddCustomContext("compiler", BENCH_COMPILER);
  benchmark::AddCustomContext("flags", BENCH_FLAGS);
#if BENCH_HAS_BOOST
  benchmark::AddCustomContext("boost", BOOST_LIB_VERSION);
#endif
  for (const row& one : all_rows()) {
    if (wanted.has(one)) give_to_google_benchmark(one);
  }
  std::size_t matched = run_and_report(to_file);
  benchmark::Shutdown();
  if (isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
  return matched == 0 ? 1 : 0;
}

}  // namespace

void add(const char* operation, const char* subject, run measure, std::size_t n, process where,
         clock by, const char* variant) {
  row made{std::string(operation) + "/" + subject, measure, n, where, by};
  if (n != 0) made.name += "/" + std::to_string(n);
  if (*variant != '\0') made.name += std::string("/") + variant;
  if (made.single()) made.name += "/single";
  all_rows().push_back(std::move(made));
}

subject::subject(const char* name, std::string settings) {
  all_subjects()[name] = std::move(settings);
}

}  // namespace bench

int main(int argc, char** argv) {
  try {
    return bench::run_program(argc, argv);
  } catch (const std::regex_error&) {
    std::fputs("coir_bench: --filter is no regular expression\n", stderr);
    return 2;
  }
}
