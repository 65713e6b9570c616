// main.cpp - coir-port: renames std's threads to coir's in a source tree.
// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "port/rewrite.hpp"

namespace {

namespace fs = std::filesystem;
using namespace coir::port;

constexpr std::string_view usage = R"(usage: coir-port [--check] [--keep NAME]... PATH...

Renames the threads of the standard library to coir's in C++ sources: std::thread to coir::thread,
<thread> to <coir/thread.hpp>, and so on; std::atomic only where somebody waits for it. Says what it
left alone and why. A PATH is a file, or a folder whose sources are all taken, but for those in
folders whose names begin with a dot.

  --check      change nothing, only say what would be changed; the exit status is then 1
  --keep NAME  leave std::NAME as it is; may be repeated
  --help       this text

The exit status is 0 where all went well, 2 where a file could not be read or written: nothing is
written unless all could be read.
)";

struct source_file {
  fs::path path;
  std::string text;
};

bool is_source(const fs::path& path) {
  static const std::string_view endings[] = {".c++", ".cc",  ".cpp", ".cxx", ".h",   ".h++",
                                             ".hh",  ".hpp", ".hxx", ".inl", ".ipp", ".tpp"};
  return std::find(std::begin(endings), std::end(endings), path.extension().string()) !=
         std::end(endings);
}

void find_sources(const fs::path& root, std::vector<source_file>& found) {
  if (!fs::is_directory(root)) {
    found.push_back({root, {}});
    return;
  }
  fs::recursive_directory_iterator at(root), end;
  for (; at != end; ++at) {
    const fs::path& path = at->path();
    if (at->is_directory() && path.filename().string().starts_with('.'))
      at.disable_recursion_pending();
    else if (at->is_regular_file() && !at->is_symlink() && is_source(path))
      found.push_back({path, {}});
  }
}

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return text;
}

// Beside the file first, then in its place: who is cut off leaves the one or the other. A link that
// was named stays one: what it leads to is written.
void write(const fs::path& named, const std::string& text) {
  const fs::path path = fs::canonical(named);
  fs::path beside = path;
  beside += ".coir-port";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << text << std::flush;
    if (!out) throw std::runtime_error("cannot write " + beside.string());
  }
  fs::permissions(beside, fs::status(path).permissions());
  fs::rename(beside, path);
}

struct request {
  bool check = false;
  name_set keep;
  std::vector<source_file> sources;
};

// False where only help was asked for.
bool read_arguments(int argc, char** argv, request& asked) {
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      std::cout << usage;
      return false;
    }
    if (word == "--check") {
      asked.check = true;
    } else if (word == "--keep") {
      if (++i == argc) throw std::invalid_argument("--keep wants a name");
      std::string_view name = argv[i];
      if (name.starts_with("std::")) name.remove_prefix(5);
      asked.keep.emplace(name);
    } else if (word.starts_with('-')) {
      throw std::invalid_argument("unknown option '" + std::string(word) + "'");
    } else {
      paths.emplace_back(word);
    }
  }
  if (paths.empty()) throw std::invalid_argument("which files?");
  for (const std::string& path : paths) find_sources(path, asked.sources);
  std::sort(asked.sources.begin(), asked.sources.end(),
            [](const source_file& a, const source_file& b) { return a.path < b.path; });
  return true;
}

void say(const fs::path& path, const std::vector<remark>& remarks, const char* what) {
  for (const remark& r : remarks)
    std::cout << path.string() << ':' << r.line << ": " << what << r.text << '\n';
}

int port(request& asked) {
  atomic_names atomics;
  for (source_file& each : asked.sources) {
    each.text = contents(each.path);
    atomics.add_from(each.text);
  }
  std::size_t files = 0;
  std::size_t changes = 0;
  std::size_t left = 0;
  for (const source_file& each : asked.sources) {
    const rewritten done = rewrite(each.text, atomics, asked.keep);
    say(each.path, done.renamed, "");
    say(each.path, done.left_alone, "left alone: ");
    changes += done.renamed.size();
    left += done.left_alone.size();
    if (done.text == each.text) continue;
    ++files;
    if (!asked.check) write(each.path, done.text);
  }
  std::cout << asked.sources.size() << " files read, " << changes << " changes in " << files
            << (asked.check ? " to be made, " : " made, ") << left << " places left alone\n";
  return asked.check && files != 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    request asked;
    return read_arguments(argc, argv, asked) ? port(asked) : 0;
  } catch (const std::invalid_argument& error) {
    std::cerr << "coir-port: " << error.what() << "; see coir-port --help\n";
  } catch (const std::exception& error) {
    std::cerr << "coir-port: " << error.what() << '\n';
  }
  return 2;
}
