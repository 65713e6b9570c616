// rewrite.hpp - what of a threaded source is renamed for fibers, and what is only pointed out.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace coir::port {

using name_set = std::set<std::string, std::less<>>;

// The names of variables whose declared type is std::atomic or std::atomic_flag, and those on which
// wait() or notify_*() is called. An atomic is renamed where its name is in both, anywhere in the
// tree: who waits, and who declares, are often two files.
struct atomic_names {
  name_set declared;
  name_set waited_on;

  void add_from(std::string_view source);
  bool rename(std::string_view name) const {
    return declared.contains(name) && waited_on.contains(name);
  }
};

struct remark {
  std::size_t line;
  std::string text;
};

struct rewritten {
  std::string text;                // the source, renamed
  std::vector<remark> renamed;     // one for each change
  std::vector<remark> left_alone;  // what a reader has to look at, and why
};

// `keep`: names of std that stay as they are, and are pointed out. Rewriting what was rewritten
// changes nothing.
rewritten rewrite(std::string_view source, const atomic_names& atomics, const name_set& keep = {});

}  // namespace coir::port
