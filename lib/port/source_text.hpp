// source_text.hpp - the words of a C++ source, without its comments and literals.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace coir::port {

struct word {
  enum class kind { name, sign, header };  // header: what an #include names, with its brackets

  kind what;
  std::string_view text;  // a part of the source; a sign is one character, or :: or ->
  std::size_t line;       // from 1

  bool is(std::string_view wanted) const noexcept { return text == wanted; }
};

// In the order of the source. What does not compile is split as well as can be: never fails, but
// for std::bad_alloc.
std::vector<word> words_of(std::string_view source);

}  // namespace coir::port
