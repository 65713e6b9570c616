// source_text.cpp - the words of a C++ source, without its comments and literals.
// SPDX-License-Identifier: BSL-1.0
#include "port/source_text.hpp"

#include <algorithm>
#include <string>

namespace coir::port {
namespace {

bool begins_name(char c) noexcept {
  // Every byte of a character beyond ASCII: none of them is a sign.
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

class splitter {
 public:
  explicit splitter(std::string_view source) : source_(source) {}

  std::vector<word> run() {
    if (starts("\xef\xbb\xbf")) advance(3);  // a byte order mark
    bool line_is_fresh = true;
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == '\n') {
        line_is_fresh = true;
        advance(1);
      } else if (is_blank(c)) {
        advance(1);
      } else if (starts("//")) {
        skip_line();
      } else if (starts("/*")) {
        skip_to("*/", 2);
      } else if (c == '#' && line_is_fresh) {
        directive();
        line_is_fresh = false;
      } else {
        line_is_fresh = false;
        ordinary(c);
      }
    }
    return std::move(words_);
  }

 private:
  bool starts(std::string_view what) const noexcept {
    return source_.substr(at_).starts_with(what);
  }

  void advance(std::size_t count) noexcept {
    const std::string_view passed = source_.substr(at_, count);
    line_ += static_cast<std::size_t>(std::count(passed.begin(), passed.end(), '\n'));
    at_ += passed.size();
  }

  // Past the next `end` that is at least `after` away; to the end of the source where there is
  // none.
  void skip_to(std::string_view end, std::size_t after) noexcept {
    const std::size_t found = source_.find(end, at_ + after);
    advance(found == std::string_view::npos ? source_.size() - at_ : found + end.size() - at_);
  }

  // A comment goes on behind a backslash at the end of its line.
  void skip_line() noexcept {
    while (at_ < source_.size() && source_[at_] != '\n') {
      const bool goes_on = starts("\\\n") || starts("\\\r\n");
      advance(goes_on ? source_.find('\n', at_) + 1 - at_ : 1);
    }
  }

  void add(word::kind what, std::size_t length) {
    words_.push_back({what, source_.substr(at_, length), line_});
    advance(length);
  }

  std::size_t name_length() const noexcept {
    std::size_t end = at_;
    while (end < source_.size() && (begins_name(source_[end]) || is_digit(source_[end]))) ++end;
    return end - at_;
  }

  // What an #include names is one word; any other directive is split like the rest.
  void directive() {
    advance(1);
    while (at_ < source_.size() && is_blank(source_[at_])) advance(1);
    const std::size_t length = name_length();
    const bool include = source_.substr(at_, length) == "include";
    advance(length);
    while (at_ < source_.size() && is_blank(source_[at_])) advance(1);
    if (!include || at_ == source_.size()) return;
    const char close = source_[at_] == '<' ? '>' : '"';
    if (source_[at_] != '<' && source_[at_] != '"') return;
    const std::size_t end = source_.find_first_of(std::string{close, '\n'}, at_ + 1);
    if (end != std::string_view::npos && source_[end] == close)
      add(word::kind::header, end + 1 - at_);
  }

  void ordinary(char c) {
    if (c == '"') return literal('"');
    if (c == '\'') return literal('\'');
    if (is_digit(c)) return number();
    if (!begins_name(c)) return add(word::kind::sign, starts("::") || starts("->") ? 2 : 1);
    const std::size_t length = name_length();
    const std::string_view name = source_.substr(at_, length);
    const char next = at_ + length < source_.size() ? source_[at_ + length] : '\0';
    const bool raw = name == "R" || name == "LR" || name == "uR" || name == "UR" || name == "u8R";
    const bool prefix = name == "L" || name == "u" || name == "U" || name == "u8";
    if (next == '"' && raw) {
      advance(length);
      raw_literal();
    } else if ((next == '"' || next == '\'') && prefix) {
      advance(length);
      literal(next);
    } else {
      add(word::kind::name, length);
    }
  }

  // A line's end closes what is not closed: an apostrophe in the text of an #error, say.
  void literal(char quote) noexcept {
    advance(1);
    while (at_ < source_.size() && source_[at_] != quote && source_[at_] != '\n')
      advance(source_[at_] == '\\' ? 2 : 1);
    if (at_ < source_.size() && source_[at_] == quote) advance(1);
  }

  void raw_literal() {
    const std::size_t open = source_.find('(', at_);
    if (open == std::string_view::npos) return advance(source_.size() - at_);
    const std::string end = ')' + std::string(source_.substr(at_ + 1, open - at_ - 1)) + '"';
    skip_to(end, open - at_);
  }

  // 1'000 is one number, not the beginning of a literal.
  void number() noexcept {
    auto goes_on = [this](std::size_t i) {
      return i < source_.size() && (begins_name(source_[i]) || is_digit(source_[i]));
    };
    while (goes_on(at_) || starts(".") || (starts("'") && goes_on(at_ + 1))) advance(1);
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::vector<word> words_;
};

}  // namespace

std::vector<word> words_of(std::string_view source) {
  return splitter(source).run();
}

}  // namespace coir::port
