// port_test.cpp - what coir-port renames, what it leaves alone, and that it loses nothing.
// SPDX-License-Identifier: BSL-1.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "port/rewrite.hpp"
#include "port/source_text.hpp"

namespace {

using namespace coir::port;
using testing::ElementsAre;
using testing::HasSubstr;

rewritten rewrite_alone(std::string_view source, const name_set& keep = {}) {
  atomic_names atomics;
  atomics.add_from(source);
  return rewrite(source, atomics, keep);
}

std::string renamed(std::string_view source) {
  return rewrite_alone(source).text;
}

std::vector<std::string> left_alone(std::string_view source) {
  std::vector<std::string> said;
  for (const remark& r : rewrite_alone(source).left_alone)
    said.push_back(std::to_string(r.line) + ' ' + r.text.substr(0, r.text.find(' ')));
  return said;
}

std::vector<std::string> words(std::string_view source) {
  std::vector<std::string> texts;
  for (const word& w : words_of(source)) texts.emplace_back(w.text);
  return texts;
}

TEST(PortWords, CommentsAndLiteralsAreNone) {
  EXPECT_THAT(words("a /* b */ c // d\ne"), ElementsAre("a", "c", "e"));
  EXPECT_THAT(words("a // b \\\n c\nd"), ElementsAre("a", "d"));
  EXPECT_THAT(words(R"(f("std::thread", 'x', L"y", u8'z', "\"q"))"),
              ElementsAre("f", "(", ",", ",", ",", ",", ")"));
  EXPECT_THAT(words("R\"x(a )\" b)x\" c"), ElementsAre("c"));
  EXPECT_THAT(words("1'000'000 + 0x1p-3 a"), ElementsAre("+", "-", "a"));
}

TEST(PortWords, WhatAnIncludeNamesIsOne) {
  EXPECT_THAT(words("#include <thread>\n # include \"a b.h\"\n#include X\n"),
              ElementsAre("<thread>", "\"a b.h\"", "X"));
  EXPECT_THAT(words("#define LOCK std::mutex\n"), ElementsAre("LOCK", "std", "::", "mutex"));
}

TEST(PortWords, WhatIsNotClosedEndsSomewhere) {
  for (const char* source : {"/* a", "\"a", "'", "R\"(", "R\"", "#include <a", "#include", "#",
                             "\"\\", "//\\", "#error it's\na"})
    EXPECT_LE(words_of(source).size(), 3U) << source;
}

TEST(PortWords, EachKnowsItsLine) {
  std::vector<word> all = words_of("a\n/*\n\n*/ b\nR\"(\n)\" c // \\\n\nd");
  std::vector<std::size_t> lines;
  for (const word& w : all) lines.push_back(w.line);
  EXPECT_THAT(lines, ElementsAre(1U, 4U, 6U, 8U));
}

TEST(Port, HeadersAndNamesAreRenamed) {
  EXPECT_EQ(renamed("#include <thread>\n#include <vector>\nstd::vector<std::thread> all;\n"),
            "#include <coir/thread.hpp>\n#include <vector>\nstd::vector<coir::thread> all;\n");
  EXPECT_EQ(renamed("std :: this_thread::sleep_for(1s); ::std::mutex m;"),
            "coir :: this_thread::sleep_for(1s); ::coir::mutex m;");
  EXPECT_EQ(renamed("using std::mutex;\n#define M std::mutex\n"),
            "using coir::mutex;\n#define M coir::mutex\n");
}

TEST(Port, WhatIsStdsOwnStays) {
  for (const char* source :
       {"std::lock_guard lock(m);", "std::future_status s;", "std::launch::async",
        "my::std::thread", "x.std::thread", "// std::thread\n", "\"std::thread\"", "stdx::thread",
        "std::threads", "#include <atomic>\nstd::atomic<int> n; n.load();"})
    EXPECT_EQ(renamed(source), source);
}

TEST(Port, AnAtomicIsRenamedWhereSomebodyWaitsForIt) {
  EXPECT_EQ(renamed("#include <atomic>\nstd::atomic<int> turn{0}, n; std::atomic<int> other;\n"
                    "void f() { turn.wait(0); other = 1; }\n"),
            "#include <coir/atomic.hpp>\ncoir::atomic<int> turn{0}, n; std::atomic<int> other;\n"
            "void f() { turn.wait(0); other = 1; }\n");
  EXPECT_EQ(
      renamed("std::vector<std::atomic<bool>> flags(3); void f() { flags[i(1)].notify_all(); }"),
      "#include <coir/atomic.hpp>\n"
      "std::vector<coir::atomic<bool>> flags(3); void f() { flags[i(1)].notify_all(); }");
  EXPECT_EQ(renamed("void f(std::atomic<int>& a, int b) { a.notify_one(); }"),
            "#include <coir/atomic.hpp>\nvoid f(coir::atomic<int>& a, int b) { a.notify_one(); }");
}

TEST(Port, WhoWaitsAndWhoDeclaresMayBeTwoFiles) {
  const std::string_view declares =
      "#pragma once\n#include \"a.h\"\nstruct s { std::atomic_flag done; };\n";
  const std::string_view waits = "void f(s* x) { x->done.wait(false); }\n";
  atomic_names atomics;
  atomics.add_from(declares);
  atomics.add_from(waits);
  EXPECT_EQ(rewrite(declares, atomics).text,
            "#pragma once\n#include <coir/atomic.hpp>\n#include \"a.h\"\n"
            "struct s { coir::atomic_flag done; };\n");
  EXPECT_EQ(rewrite(waits, atomics).text, waits);
}

TEST(Port, OnceIsEnough) {
  const std::string once = renamed(
      "#include <mutex>\n#include <atomic>\nstd::mutex m; std::atomic<int> a; void f() { "
      "a.wait(1); }");
  EXPECT_EQ(renamed(once), once);
  EXPECT_TRUE(rewrite_alone(once).renamed.empty());
}

TEST(Port, WhatNeedsAReaderIsPointedOut) {
  EXPECT_THAT(left_alone("int a;\nthread_local int b;\n"), ElementsAre("2 thread_local"));
  EXPECT_THAT(left_alone("sleep(1);\nx.read(1);\n::write(1, p, n);\nmy::poll();\nint read(int);\n"
                         "return recv(s, p, n, 0);"),
              ElementsAre("1 sleep", "3 write", "6 recv"));
  EXPECT_THAT(left_alone("t.native_handle();\npthread_self();"),
              ElementsAre("1 native_handle", "2 pthread_self"));
  EXPECT_THAT(left_alone("#include <pthread.h>\nstd::cin >> n;\nstd::atomic_wait(&a, 1);"),
              ElementsAre("1 <pthread.h>", "2 cin", "3 atomic_wait"));
  EXPECT_THAT(left_alone("namespace std {\nclass thread;\n}"), ElementsAre("1 std"));
}

TEST(Port, NamesWithoutStdAreLeftAloneAndPointedOut) {
  const std::string_view source =
      "using namespace std;\nthread t(f);\nx.thread = 1; my::thread u;\n";
  EXPECT_EQ(renamed(source), source);
  EXPECT_THAT(left_alone(source), ElementsAre("1 std", "2 thread"));
}

TEST(Port, WhatIsToBeKeptIsKeptAndPointedOut) {
  const rewritten done =
      rewrite_alone("#include <mutex>\nstd::mutex m; std::once_flag f;", {"mutex"});
  EXPECT_EQ(done.text,
            "#include <coir/mutex.hpp>\n#include <mutex>\nstd::mutex m; coir::once_flag f;");
  ASSERT_EQ(done.left_alone.size(), 1U);
  EXPECT_THAT(done.left_alone[0].text, HasSubstr("mutex was to be kept"));
}

TEST(Port, NoByteThatIsNotRenamedIsLost) {
  std::string source = "\xef\xbb\xbf#include <thread>\r\nstd::thread \xc3\xa9;\r\n";
  source += std::string("\0 x", 3);
  std::string expected = source;
  expected.replace(expected.find("<thread>"), 8, "<coir/thread.hpp>");
  expected.replace(expected.find("std::"), 3, "coir");
  EXPECT_EQ(renamed(source), expected);
  for (std::size_t length = 0; length <= source.size(); ++length)
    EXPECT_GE(renamed(source.substr(0, length)).size(), length);
}

}  // namespace
