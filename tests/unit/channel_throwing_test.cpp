// channel_throwing_test.cpp - values whose moves and copies throw are neither lost nor doubled.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>
#include <coir/local_channel.hpp>
#include <coir/select.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

struct refused : std::runtime_error {
  refused() : runtime_error("refused") {}
};

// Throws at the operation that the countdown says. Counts those alive.
struct trouble {
  static inline std::atomic<int> countdown{0};  // 0: never
  static inline std::atomic<int> alive{0};

  static void maybe() {
    if (countdown.load() > 0 && countdown.fetch_sub(1) == 1) throw refused();
  }

  explicit trouble(int from) noexcept : value(from) { ++alive; }
  ~trouble() { --alive; }

 protected:
  trouble(const trouble& other) : value(other.value) {
    maybe();
    ++alive;
  }
  trouble(trouble& other, int left) : value(other.value) {
    maybe();
    other.value = left;
    ++alive;
  }

 public:
  int value;
};

// Can be copied; both copy and move throw.
struct brittle : trouble {
  using trouble::trouble;
  brittle(const brittle& other) : trouble(other) {}
  brittle(brittle&& other) noexcept(false) : trouble(other, -1) {}
};

// Can only be moved, and that throws.
struct brittle_and_single : trouble {
  using trouble::trouble;
  brittle_and_single(brittle_and_single&& other) noexcept(false) : trouble(other, -1) {}
  brittle_and_single& operator=(brittle_and_single&& other) {
    value = std::exchange(other.value, -1);
    return *this;
  }
};

// Moves well, copies badly.
struct hard_to_copy : trouble {
  using trouble::trouble;
  hard_to_copy(const hard_to_copy& other) : trouble(other) {}
  hard_to_copy(hard_to_copy&& other) noexcept : trouble(std::exchange(other.value, -1)) {}
};

static_assert(coir::travels_in_box<brittle>);
static_assert(coir::travels_in_box<brittle_and_single>);
static_assert(!coir::travels_in_box<hard_to_copy>);
static_assert(!coir::travels_in_box<std::unique_ptr<int>>);

class ChannelThrowing : public coir_test::party_test {
 protected:
  void TearDown() override {
    trouble::countdown = 0;
    EXPECT_EQ(trouble::alive, 0);
    party_test::TearDown();
  }
};
INSTANTIATE_TEST_SUITE_P(By, ChannelThrowing, coir_test::every_kind(), coir_test::name_of_kind);

TEST_P(ChannelThrowing, ASendThatThrowsHasSentNothing) {
  with_parties([](parties&) {
    coir::channel<brittle> ch{4};
    brittle value(1);
    trouble::countdown = 1;
    EXPECT_THROW(ch.send(value), refused);
    trouble::countdown = 1;
    EXPECT_THROW(ch.send(std::move(value)), refused);
    EXPECT_EQ(value.value, 1);
    EXPECT_TRUE(ch.empty());
    ch.send(std::move(value));
    EXPECT_EQ(ch.size(), 1U);
    EXPECT_EQ(ch.receive()->value, 1);

    coir::channel<hard_to_copy> other{4};
    hard_to_copy hard(2);
    trouble::countdown = 1;
    EXPECT_THROW(other.send(hard), refused);
    EXPECT_TRUE(other.empty());
    other.send(std::move(hard));
    EXPECT_EQ(other.receive()->value, 2);
  });
}

TEST_P(ChannelThrowing, AValueThatCannotBeTakenOutStaysTheNextToBeReceived) {
  with_parties([](parties&) {
    coir::channel<brittle> ch{4};
    for (int i = 0; i < 3; ++i) ch.send(brittle(i));
    trouble::countdown = 1;
    EXPECT_THROW(ch.receive(), refused);
    EXPECT_EQ(ch.size(), 3U);
    trouble::countdown = 1;
    EXPECT_THROW(ch.try_receive(), refused);
    trouble::countdown = 1;
    EXPECT_THROW(ch.receive_for(1s), refused);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ch.receive()->value, i);
    EXPECT_TRUE(ch.empty());
  });
}

TEST_P(ChannelThrowing, AValueGivenBackAfterCloseIsStillReceived) {
  with_parties([](parties&) {
    coir::channel<brittle> ch{4};
    ch.send(brittle(7));
    ch.close();
    trouble::countdown = 1;
    EXPECT_THROW(ch.receive(), refused);
    EXPECT_EQ(ch.receive()->value, 7);
    EXPECT_FALSE(ch.receive().has_value());
  });
}

TEST_P(ChannelThrowing, AValueGivenBackIsDestroyedWithTheChannel) {
  with_parties([](parties&) {
    coir::channel<brittle> ch{4};
    ch.send(brittle(7));
    ch.send(brittle(8));
    trouble::countdown = 1;
    EXPECT_THROW(ch.receive(), refused);
  });
}

TEST_P(ChannelThrowing, AValueGivenBackGoesToAReceiverThatWaits) {
  with_parties([](parties& all) {
    coir::channel<brittle> ch;
    std::atomic<int> got{0};
    std::atomic<int> threw{0};
    for (int i = 0; i < 2; ++i)
      all.start([&] {
        try {
          got += ch.receive()->value;
        } catch (const refused&) {
          ++threw;
          got += ch.receive()->value;
        }
      });
    // The third operation throws: most often the first that takes one out of its box.
    trouble::countdown = 3;
    for (int value : {1, 10}) {
      try {
        ch.send(brittle(value));
      } catch (const refused&) {
        ++threw;
        ch.send(brittle(value));
      }
    }
    all.join();
    EXPECT_EQ(got, 11);
    EXPECT_EQ(threw, 1);
  });
}

TEST_P(ChannelThrowing, WhatCanOnlyBeMovedComesBackWhenASendFails) {
  with_parties([](parties& all) {
    coir::channel<brittle_and_single> ch;
    brittle_and_single value(5);
    EXPECT_FALSE(ch.try_send(std::move(value)));
    EXPECT_EQ(value.value, 5);
    EXPECT_FALSE(ch.send_for(std::move(value), 10us));
    EXPECT_EQ(value.value, 5);
    EXPECT_EQ(coir::select(coir::on_send(ch, std::move(value)), coir::otherwise()), 1U);
    EXPECT_EQ(value.value, 5);
    all.start([&] { EXPECT_EQ(ch.receive()->value, 5); });
    EXPECT_EQ(coir::select(coir::on_send(ch, std::move(value))), 0U);
    EXPECT_EQ(value.value, -1);
    all.join();
    value.value = 6;
    ch.close();
    EXPECT_THROW(ch.send(std::move(value)), coir::channel_closed);
    EXPECT_EQ(value.value, 6);
    EXPECT_THROW(coir::select(coir::on_send(ch, std::move(value))), coir::channel_closed);
    EXPECT_EQ(value.value, 6);
  });
}

TEST_P(ChannelThrowing, ASelectThatCannotOpenItsBoxGivesItBack) {
  with_parties([](parties&) {
    coir::channel<brittle> ch{2};
    ch.send(brittle(3));
    trouble::countdown = 1;
    int called = 0;
    auto f = [&](std::optional<brittle>) { ++called; };
    EXPECT_THROW(coir::select(coir::on_receive(ch, f)), refused);
    EXPECT_EQ(called, 0);
    EXPECT_EQ(ch.size(), 1U);
    EXPECT_EQ(coir::select(coir::on_receive(ch, f)), 0U);
    EXPECT_EQ(called, 1);
    brittle value(4);
    trouble::countdown = 1;
    EXPECT_THROW(coir::select(coir::on_receive(ch, f), coir::on_send(ch, value)), refused);
    EXPECT_TRUE(ch.empty());
    EXPECT_EQ(coir::select(coir::on_receive(ch, f), coir::on_send(ch, value)), 1U);
    EXPECT_EQ(ch.receive()->value, 4);
  });
}

TEST_P(ChannelThrowing, NothingIsLostOrDoubledWhereverItThrows) {
  with_parties([](parties& all) {
    for (std::size_t capacity : {std::size_t{0}, std::size_t{2}, coir::unbounded}) {
      for (int at = 1; at <= 25; ++at) {
        coir::channel<brittle> ch{capacity};
        constexpr int each = 5;
        std::atomic<int> sending{2};
        std::vector<std::atomic<int>> balance(2 * each);
        trouble::countdown = at;
        for (int s = 0; s < 2; ++s)
          all.start([&, s] {
            for (int i = s * each; i < (s + 1) * each; ++i) {
              try {
                ch.send(brittle(i));
                ++balance[static_cast<std::size_t>(i)];
              } catch (const refused&) {
              }
            }
            if (sending.fetch_sub(1) == 1) ch.close();
          });
        for (int r = 0; r < 2; ++r)
          all.start([&] {
            // Closed and drained, unless the other one gives a value back: then it is the other's.
            for (bool more = true; more;) {
              try {
                auto v = ch.receive();
                more = v.has_value();
                if (more) --balance[static_cast<std::size_t>(v->value)];
              } catch (const refused&) {
              }
            }
          });
        all.join();
        for (auto& b : balance) ASSERT_EQ(b, 0) << "at operation " << at;
        ASSERT_TRUE(ch.empty());
      }
    }
  });
}

TEST(ChannelThrowingLocal, ALocalChannelKeepsThePromiseToo) {
  coir::run([] {
    coir::local_channel<brittle> ch{4};
    for (int i = 0; i < 3; ++i) ch.send(brittle(i));
    trouble::countdown = 1;
    EXPECT_THROW(ch.receive(), refused);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ch.receive()->value, i);
  });
  EXPECT_EQ(trouble::alive, 0);
}

}  // namespace
