// inbox_test.cpp - what was sent to a worker, and what of it a thief takes.
// SPDX-License-Identifier: BSL-1.0
#include "sched/inbox.hpp"

#include <coir/runtime.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sched/runtime_core.hpp"

namespace {

class Inbox : public testing::Test {
 protected:
  // Sends a fiber for each letter; capitals are pinned.
  void send(const std::string& letters) {
    for (char letter : letters) {
      fibers_.push_back(std::make_unique<coir::fiber>());
      coir::fiber& f = *fibers_.back();
      f.pinned = letter < 'a';
      f.id = static_cast<unsigned char>(letter);
      inbox_.put(f);
    }
  }
  std::string take() { return letters_of(inbox_.take()); }
  std::string steal() {
    coir::fiber* stolen = inbox_.take_unpinned(thief_);
    for (coir::fiber* f = stolen; f != nullptr; f = f->next)
      EXPECT_EQ(f->home.load(std::memory_order_relaxed), &thief_);
    return letters_of(stolen);
  }

  coir::inbox inbox_;

 private:
  static std::string letters_of(const coir::fiber* first) {
    std::string letters;
    for (; first != nullptr; first = first->next) letters += static_cast<char>(first->id);
    return letters;
  }

  coir::runtime runtime_;
  coir::worker_core& thief_ = runtime_.core().worker_at(0);
  std::vector<std::unique_ptr<coir::fiber>> fibers_;
};

TEST_F(Inbox, GivesAllThatCameInTheOrderInWhichItCame) {
  EXPECT_TRUE(inbox_.empty());
  EXPECT_EQ(take(), "");
  send("aBc");
  EXPECT_FALSE(inbox_.empty());
  EXPECT_EQ(take(), "aBc");
  EXPECT_TRUE(inbox_.empty());
}

TEST_F(Inbox, GivesAThiefWhatIsNotPinnedAndKeepsTheRestInOrder) {
  for (const char* sent : {"", "a", "A", "ab", "aB", "Ab", "AB", "abC", "aBc", "Abc", "aBC", "AbC",
                           "ABc", "AbCdE", "aBcDe", "abCDef", "ABcdEF", "abcABCabc"}) {
    std::string stays, goes;
    for (char letter : std::string(sent)) (letter < 'a' ? stays : goes) += letter;
    send(sent);
    EXPECT_EQ(steal(), goes) << sent;
    EXPECT_EQ(inbox_.empty(), stays.empty()) << sent;
    EXPECT_EQ(steal(), "") << sent;
    send("xY");
    EXPECT_EQ(take(), stays + "xY") << sent;
  }
}

}  // namespace
