// rewrite.cpp - what of a threaded source is renamed for fibers, and what is only pointed out.
// SPDX-License-Identifier: BSL-1.0
#include "port/rewrite.hpp"

#include <algorithm>
#include <map>

#include "port/source_text.hpp"

namespace coir::port {
namespace {

// Headers whose place one of coir takes, which includes it where something of it is still wanted.
// <atomic> stays: most of it is nobody's wait.
const std::map<std::string_view, std::string_view> headers{
    {"<barrier>", "<coir/barrier.hpp>"},
    {"<condition_variable>", "<coir/condition_variable.hpp>"},
    {"<future>", "<coir/future.hpp>"},
    {"<latch>", "<coir/latch.hpp>"},
    {"<mutex>", "<coir/mutex.hpp>"},
    {"<semaphore>", "<coir/semaphore.hpp>"},
    {"<shared_mutex>", "<coir/shared_mutex.hpp>"},
    {"<stop_token>", "<coir/stop_token.hpp>"},
    {"<thread>", "<coir/thread.hpp>"},
};

const std::set<std::string_view> names{"async",
                                       "barrier",
                                       "binary_semaphore",
                                       "call_once",
                                       "condition_variable",
                                       "condition_variable_any",
                                       "counting_semaphore",
                                       "cv_status",
                                       "future",
                                       "jthread",
                                       "latch",
                                       "mutex",
                                       "nostopstate",
                                       "nostopstate_t",
                                       "notify_all_at_thread_exit",
                                       "once_flag",
                                       "packaged_task",
                                       "promise",
                                       "recursive_mutex",
                                       "recursive_timed_mutex",
                                       "shared_future",
                                       "shared_mutex",
                                       "shared_timed_mutex",
                                       "stop_callback",
                                       "stop_source",
                                       "stop_token",
                                       "this_thread",
                                       "thread",
                                       "timed_mutex"};

constexpr std::string_view blocks =
    "blocks the worker, and all fibers that wait for it: coir::run_blocking";
constexpr std::string_view handle = "is of an OS thread, which several fibers share";

// Calls, as f(...) or ::f(...).
const std::set<std::string_view> blocking_calls{
    "accept",      "accept4", "clock_nanosleep", "connect",       "epoll_pwait",  "epoll_wait",
    "flock",       "fsync",   "getaddrinfo",     "gethostbyname", "getnameinfo",  "msgrcv",
    "nanosleep",   "pause",   "pclose",          "poll",          "popen",        "ppoll",
    "pread",       "pselect", "pwrite",          "read",          "readv",        "recv",
    "recvfrom",    "recvmsg", "select",          "sem_timedwait", "sem_wait",     "send",
    "sendfile",    "sendmsg", "sendto",          "sigsuspend",    "sigtimedwait", "sigwait",
    "sigwaitinfo", "sleep",   "system",          "usleep",        "wait4",        "waitid",
    "waitpid",     "write",   "writev"};
const std::set<std::string_view> calls_for_a_thread{
    "gettid", "sched_setaffinity", "sched_setscheduler", "thrd_create", "tss_create"};

bool waits_or_notifies(const word& w) {
  return w.is("wait") || w.is("notify_one") || w.is("notify_all");
}

// The words of one source, and where in it one is.
class cursor {
 public:
  explicit cursor(std::string_view source) : words_(words_of(source)) {}

  std::size_t size() const noexcept { return words_.size(); }
  // An empty sign before the first and behind the last.
  const word& operator[](std::size_t i) const noexcept { return i < size() ? words_[i] : none_; }

  bool after_member_access(std::size_t i) const noexcept {
    const word& before = (*this)[i - 1];
    return before.is(".") || before.is("->");
  }
  // std at i, std::X at i and i+2; not the std of x::std.
  bool is_std(std::size_t i) const noexcept {
    return (*this)[i].is("std") && (*this)[i + 1].is("::") && !after_member_access(i) &&
           !((*this)[i - 1].is("::") && (*this)[i - 2].what == word::kind::name);
  }
  // Behind the template arguments that begin at i, if any do.
  std::size_t behind_arguments(std::size_t i) const noexcept {
    if (!(*this)[i].is("<")) return i;
    std::size_t depth = 0;
    for (std::size_t end = i; end < size(); ++end) {
      if ((*this)[end].is("<")) ++depth;
      if ((*this)[end].is(">") && --depth == 0) return end + 1;
      if ((*this)[end].is(";") || (*this)[end].is("{")) break;
    }
    return i;
  }
  // The name before i, over what is in brackets: a of a.b, of a[i].b and of a().b.
  std::size_t object_before(std::size_t i) const noexcept {
    std::size_t depth = 0;
    for (std::size_t at = i - 1; at < size(); --at) {
      const word& w = words_[at];
      if (w.is("]") || w.is(")")) {
        ++depth;
      } else if (w.is("[") || w.is("(")) {
        if (depth-- == 0) break;
      } else if (depth == 0) {
        return at;
      }
    }
    return size();
  }
  bool is_atomic(std::size_t i) const noexcept {
    return is_std(i) && ((*this)[i + 2].is("atomic") || (*this)[i + 2].is("atomic_flag"));
  }
  // The variables that a declaration declares whose type, std::atomic, begins at i.
  std::vector<std::string_view> variables_of_type(std::size_t i) const {
    std::vector<std::string_view> found;
    std::size_t at = behind_arguments(i + 3);
    while ((*this)[at].is("&") || (*this)[at].is("*") || (*this)[at].is(">") ||
           (*this)[at].is("const"))
      ++at;
    while ((*this)[at].what == word::kind::name) {
      found.push_back((*this)[at].text);
      // To the next declarator, over initializers and dimensions.
      std::size_t depth = 0;
      for (++at; at < size(); ++at) {
        const word& w = (*this)[at];
        if (w.is("(") || w.is("{") || w.is("[")) ++depth;
        if (w.is(")") || w.is("}") || w.is("]")) {
          if (depth == 0) return found;  // a parameter
          --depth;
        }
        if (depth == 0 && (w.is(";") || w.is(","))) break;
      }
      if (!(*this)[at].is(",")) break;
      ++at;
      // In a list of parameters a type follows, not a declarator.
      const word& behind = (*this)[at + 1];
      if (behind.what == word::kind::name || behind.is("::") || behind.is("<")) break;
    }
    return found;
  }

 private:
  std::vector<word> words_;
  word none_{word::kind::sign, {}, 0};
};

class rewriter {
 public:
  rewriter(std::string_view source, const atomic_names& atomics, const name_set& keep)
      : source_(source), words_(source), atomics_(atomics), keep_(keep) {}

  rewritten run() {
    for (std::size_t i = 0; i < words_.size(); ++i) look_at(i);
    if (needs_atomic_header_) add_atomic_header();
    std::sort(edits_.begin(), edits_.end(),
              [](const edit& a, const edit& b) { return a.at < b.at; });
    std::size_t copied = 0;
    for (const edit& e : edits_) {
      result_.text.append(source_.substr(copied, e.at - copied)).append(e.by);
      copied = e.at + e.length;
    }
    result_.text.append(source_.substr(copied));
    return std::move(result_);
  }

 private:
  struct edit {
    std::size_t at;
    std::size_t length;
    std::string by;
  };

  void look_at(std::size_t i) {
    const word& w = words_[i];
    if (w.what == word::kind::header) return header(w);
    if (w.what != word::kind::name) return;
    if (words_.is_std(i)) return of_std(i);
    if (w.is("thread_local"))
      leave(w, "is of the OS thread, which several fibers share and may change: coir::fiber_local");
    else if (w.is("native_handle") || w.text.starts_with("pthread_"))
      leave(w, handle);
    else if (w.is("std") && words_[i - 1].is("namespace"))
      of_namespace_std(i);
    else if (blocking_calls.contains(w.text) && is_free_call(i))
      leave(w, blocks);
    else if (calls_for_a_thread.contains(w.text) && is_free_call(i))
      leave(w, handle);
    else if (bare_names_are_stds_ && names.contains(w.text) && is_bare(i))
      leave(w, "may be std's, by a using directive: write std:: before it, and come again");
  }

  void header(const word& w) {
    auto found = headers.find(w.text);
    if (found == headers.end()) {
      if (w.is("<threads.h>") || w.is("<pthread.h>")) leave(w, handle);
      return;
    }
    // What is kept may be declared there.
    if (keep_.empty())
      replace(w, found->second);
    else
      replace(w, std::string(found->second) + "\n#include " + std::string(w.text));
  }

  // std::X, the std being at i.
  void of_std(std::size_t i) {
    const word& name = words_[i + 2];
    if (words_.is_atomic(i)) return atomic(i);
    if (name.is("cin")) return leave(name, blocks);
    if (name.text.starts_with("atomic_wait") || name.text.starts_with("atomic_notify") ||
        name.text.starts_with("atomic_flag_wait") || name.text.starts_with("atomic_flag_notify"))
      return leave(name, "blocks the worker: call the member function of a coir::atomic");
    if (!names.contains(name.text)) return;
    if (keep_.contains(name.text)) {
      const bool lock = name.text.ends_with("mutex");
      return leave(name, lock ? "was to be kept: a fiber that waits while it holds it keeps out "
                                "the whole worker of who wants it"
                              : "was to be kept");
    }
    rename(i);
  }

  // The declaration of one on whose name somebody waits.
  void atomic(std::size_t i) {
    for (std::string_view variable : words_.variables_of_type(i)) {
      if (!atomics_.rename(variable)) continue;
      if (keep_.contains("atomic"))
        return leave(words_[i + 2], "was to be kept, and is waited for");
      needs_atomic_header_ = true;
      return rename(i);
    }
  }

  void of_namespace_std(std::size_t i) {
    const word& w = words_[i];
    if (words_[i - 2].is("using")) {
      bare_names_are_stds_ = true;
      leave(w, "is used whole: names without std:: are left alone");
    } else if (words_[i + 1].is("{")) {
      leave(w, "is added to: what is declared here stays std's");
    }
  }

  bool is_free_call(std::size_t i) const noexcept {
    if (!words_[i + 1].is("(") || words_.after_member_access(i)) return false;
    const word& before = words_[i - 1];
    if (before.is("::")) return words_[i - 2].what != word::kind::name;
    // `int read(`: declared here. `return read(`: called.
    return before.what != word::kind::name || before.is("return") || before.is("else") ||
           before.is("do");
  }

  bool is_bare(std::size_t i) const noexcept {
    return !words_.after_member_access(i) && !words_[i - 1].is("::");
  }

  void leave(const word& w, std::string_view why) {
    result_.left_alone.push_back({w.line, std::string(w.text) + ' ' + std::string(why)});
  }

  void rename(std::size_t i) {
    const word& name = words_[i + 2];
    result_.renamed.push_back(
        {words_[i].line, "std::" + std::string(name.text) + " -> coir::" + std::string(name.text)});
    substitute(words_[i], "coir");
  }

  void replace(const word& w, std::string_view by) {
    std::string said(w.text);
    said.append(" -> ").append(by.substr(0, by.find('\n')));
    result_.renamed.push_back({w.line, std::move(said)});
    substitute(w, by);
  }

  void substitute(const word& w, std::string_view by) {
    edits_.push_back({offset_of(w), w.text.size(), std::string(by)});
  }

  std::size_t offset_of(const word& w) const noexcept {
    return static_cast<std::size_t>(w.text.data() - source_.data());
  }

  // In the place of <atomic>, which it includes; else before the first #include, or at the top.
  void add_atomic_header() {
    constexpr std::string_view header = "<coir/atomic.hpp>";
    const word* first = nullptr;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const word& w = words_[i];
      if (w.what != word::kind::header) continue;
      if (w.is(header)) return;
      if (w.is("<atomic>")) return replace(w, header);
      if (first == nullptr) first = &w;
    }
    const std::size_t line = first == nullptr ? 0 : source_.rfind('\n', offset_of(*first)) + 1;
    edits_.push_back({line, 0, "#include <coir/atomic.hpp>\n"});
    result_.renamed.push_back({first == nullptr ? 1 : first->line, "+ <coir/atomic.hpp>"});
  }

  std::string_view source_;
  cursor words_;
  const atomic_names& atomics_;
  const name_set& keep_;
  rewritten result_;
  std::vector<edit> edits_;
  bool bare_names_are_stds_ = false;
  bool needs_atomic_header_ = false;
};

}  // namespace

void atomic_names::add_from(std::string_view source) {
  const cursor words(source);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words.is_atomic(i))
      for (std::string_view name : words.variables_of_type(i)) declared.emplace(name);
    if (waits_or_notifies(words[i]) && words[i + 1].is("(") && words.after_member_access(i))
      waited_on.emplace(words[words.object_before(i - 1)].text);
  }
}

rewritten rewrite(std::string_view source, const atomic_names& atomics, const name_set& keep) {
  return rewriter(source, atomics, keep).run();
}

}  // namespace coir::port
