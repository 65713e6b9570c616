// select_test.cpp - the first of several things happens, and no other.
// SPDX-License-Identifier: BSL-1.0
#include <coir/select.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class Select : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, Select, coir_test::every_kind(), coir_test::name_of_kind);

// A function of on_receive() that keeps what it got.
struct keep {
  std::optional<int>* where;
  void operator()(std::optional<int> v) const { *where = v; }
};

TEST_P(Select, TheCaseThatIsReadyHappensAndItsIndexIsReturned) {
  with_parties([](parties&) {
    coir::channel<int> empty{1};
    coir::channel<int> full{1};
    full.send(7);
    std::optional<int> got;
    int sent = 0;
    EXPECT_EQ(coir::select(coir::on_receive(empty, keep{&got}), coir::on_receive(full, keep{&got})),
              1U);
    EXPECT_EQ(got, 7);
    full.send(8);
    EXPECT_EQ(coir::select(coir::on_send(full, 9, [&] { sent = 1; }),
                           coir::on_send(empty, 10, [&] { sent = 2; })),
              1U);
    EXPECT_EQ(sent, 2);
    EXPECT_EQ(empty.receive(), 10);
    EXPECT_EQ(full.receive(), 8);
    EXPECT_TRUE(full.empty());
  });
}

TEST_P(Select, ItWaitsUntilOneIsReady) {
  with_parties([](parties& all) {
    coir::channel<int> a;
    coir::channel<int> b;
    coir::channel<int> c;
    all.start([&] {
      for (int i = 0; i < 300; ++i) (i % 2 == 0 ? a : b).send(i);
    });
    all.start([&] {
      for (int i = 0; i < 300; ++i) EXPECT_EQ(c.receive(), i);
    });
    long sum = 0;
    int received = 0;
    int next = 0;
    auto add = [&](std::optional<int> v) {
      sum += v.value();
      ++received;
    };
    while (received < 300 || next < 300) {
      if (next < 300) {
        if (coir::select(coir::on_receive(a, add), coir::on_receive(b, add),
                         coir::on_send(c, next)) == 2)
          ++next;
      } else {
        coir::select(coir::on_receive(a, add), coir::on_receive(b, add));
      }
    }
    EXPECT_EQ(sum, 300 * 299 / 2);
    all.join();
  });
}

TEST_P(Select, ACaseThatLostHasNoEffectAtAll) {
  with_parties([](parties& all) {
    coir::channel<std::unique_ptr<int>> out;
    coir::channel<int> in;
    coir::channel<int> source{1};
    auto mine = std::make_unique<int>(1);
    all.start([&] { in.send(5); });
    std::optional<int> got;
    EXPECT_EQ(coir::select(coir::on_send(out, std::move(mine)), coir::on_receive(in, keep{&got}),
                           coir::on_receive(source, keep{&got})),
              1U);
    all.join();
    EXPECT_EQ(got, 5);
    ASSERT_NE(mine, nullptr);
    EXPECT_TRUE(out.try_receive().is_empty());
    EXPECT_FALSE(in.try_send(1)) << "it still waits to receive";
    source.send(2);
    EXPECT_EQ(source.size(), 1U) << "it still waits to receive";
  });
}

TEST_P(Select, OtherwiseMeansNeverToWait) {
  with_parties([](parties&) {
    coir::channel<int> ch;
    int called = 0;
    std::optional<int> got;
    auto note = [&] { ++called; };
    EXPECT_EQ(coir::select(coir::on_receive(ch, keep{&got}), coir::otherwise(note)), 1U);
    EXPECT_EQ(coir::select(coir::otherwise(note), coir::on_send(ch, 1), coir::on_timeout(1h)), 0U);
    EXPECT_EQ(coir::select(coir::otherwise(note)), 0U);
    EXPECT_EQ(called, 3);
    ch.close();
    EXPECT_EQ(coir::select(coir::otherwise(note), coir::on_receive(ch, keep{&got})), 1U);
    EXPECT_EQ(called, 3);
  });
}

TEST_P(Select, ATimeoutEndsIt) {
  with_parties([](parties&) {
    coir::channel<int> ch;
    std::optional<int> got;
    int called = 0;
    EXPECT_EQ(coir::select(coir::on_receive(ch, keep{&got}), coir::on_timeout(1h),
                           coir::on_timeout(10us, [&] { ++called; })),
              2U);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(coir::select(coir::on_send(ch, 1), coir::on_timeout(0s)), 1U);
    EXPECT_EQ(coir::select(coir::on_send(ch, 1), coir::on_timeout(-1h)), 1U);
    EXPECT_EQ(coir::select(coir::on_timeout(std::chrono::steady_clock::now() + 10us)), 0U);
    EXPECT_EQ(coir::select(coir::on_timeout(std::chrono::system_clock::now() - 1h),
                           coir::on_receive(ch, keep{&got})),
              0U);
    EXPECT_FALSE(ch.try_send(1));
    EXPECT_TRUE(ch.try_receive().is_empty());
  });
}

TEST_P(Select, AClosedChannelIsReady) {
  with_parties([](parties& all) {
    coir::channel<int> ch{2};
    ch.send(1);
    ch.close();
    std::optional<int> got;
    EXPECT_EQ(coir::select(coir::on_receive(ch, keep{&got})), 0U);
    EXPECT_EQ(got, 1);
    EXPECT_EQ(coir::select(coir::on_receive(ch, keep{&got})), 0U);
    EXPECT_EQ(got, std::nullopt);
    int called = 0;
    EXPECT_THROW(coir::select(coir::on_send(ch, 1, [&] { ++called; })), coir::channel_closed);
    EXPECT_EQ(called, 0);

    coir::channel<int> in;
    coir::channel<int> out;
    std::atomic<int> ended{0};
    all.start([&] {
      std::optional<int> mine = 3;
      EXPECT_EQ(coir::select(coir::on_receive(in, keep{&mine}), coir::on_timeout(1h)), 0U);
      EXPECT_EQ(mine, std::nullopt);
      ++ended;
    });
    all.start([&] {
      EXPECT_THROW(coir::select(coir::on_send(out, 4), coir::on_timeout(1h)), coir::channel_closed);
      ++ended;
    });
    for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
    EXPECT_EQ(ended, 0);
    in.close();
    out.close();
    all.join();
    EXPECT_EQ(ended, 2);
  });
}

TEST_P(Select, ALoopOverAClosedChannelLetsTheOthersRun) {
  with_parties([](parties& all) {
    coir::channel<int> closed;
    coir::channel<int> open;
    closed.close();
    all.start([&] { open.send(1); });
    std::optional<int> got;
    std::optional<int> none;
    while (!got.has_value())
      coir::select(coir::on_receive(closed, keep{&none}), coir::on_receive(open, keep{&got}));
    all.join();
  });
}

TEST_P(Select, ItNeverMeetsItself) {
  with_parties([](parties& all) {
    for (int capacity : {0, 1}) {
      coir::channel<int> ch{capacity};
      if (capacity == 1) ch.send(0);
      std::optional<int> got;
      std::size_t instead = coir::select(coir::on_send(ch, 1), coir::on_timeout(10us));
      EXPECT_EQ(instead, 1U);
      if (capacity == 1) {
        EXPECT_EQ(ch.receive(), 0);
      } else {
        EXPECT_EQ(coir::select(coir::on_send(ch, 1), coir::on_receive(ch, keep{&got}),
                               coir::on_receive(ch, keep{&got}), coir::on_timeout(10us)),
                  3U);
        all.start([&] { EXPECT_EQ(ch.receive(), 2); });
        EXPECT_EQ(coir::select(coir::on_receive(ch, keep{&got}), coir::on_send(ch, 2)), 1U);
        all.join();
        all.start([&] { ch.send(3); });
        EXPECT_EQ(coir::select(coir::on_receive(ch, keep{&got}), coir::on_send(ch, 2)), 0U);
        EXPECT_EQ(got, 3);
        all.join();
      }
    }
  });
}

TEST_P(Select, TheSameChannelMayStandInSeveralCases) {
  with_parties([](parties& all) {
    coir::channel<int> ch;
    coir::channel<int> other;
    all.start([&] {
      for (int i = 0; i < 200; ++i) ch.send(i);
      ch.close();
    });
    int sum = 0;
    bool open = true;
    auto add = [&](std::optional<int> v) {
      open = v.has_value();
      sum += v.value_or(0);
    };
    while (open)
      coir::select(coir::on_receive(ch, add), coir::on_receive(other, add),
                   coir::on_receive(ch, add), coir::on_receive(ch, add));
    EXPECT_EQ(sum, 200 * 199 / 2);
    all.join();
  });
}

TEST_P(Select, TwoOppositeSelectsFindEachOther) {
  with_parties([](parties& all) {
    coir::channel<int> a;
    coir::channel<int> b;
    std::atomic<int> sent[2] = {0, 0};
    std::atomic<int> received[2] = {0, 0};
    for (std::size_t side = 0; side < 2; ++side)
      all.start([&, side] {
        auto& out = side == 0 ? a : b;
        auto& in = side == 0 ? b : a;
        for (int i = 0; i < 1000; ++i)
          coir::select(coir::on_send(out, i, [&] { ++sent[side]; }),
                       coir::on_receive(in, [&](std::optional<int> v) {
                         ASSERT_TRUE(v.has_value());
                         ++received[side];
                       }));
      });
    all.join();
    EXPECT_EQ(sent[0], received[1]);
    EXPECT_EQ(sent[1], received[0]);
    EXPECT_EQ(sent[0] + sent[1], 1000);
  });
}

TEST_P(Select, ManyThatSelectFromTheSameChannelsLoseNothing) {
  with_parties([](parties& all) {
    for (int capacity : {0, 3}) {
      coir::channel<int> a{capacity};
      coir::channel<int> b{capacity};
      std::atomic<long> in{0};
      std::atomic<long> out{0};
      std::atomic<int> sending{3};
      for (int s = 0; s < 3; ++s)
        all.start([&] {
          for (int i = 1; i <= 300; ++i) {
            // In one order and in the other.
            if (i % 2 == 0) {
              coir::select(coir::on_send(a, i), coir::on_send(b, i));
            } else {
              coir::select(coir::on_send(b, i), coir::on_send(a, i));
            }
            in += i;
          }
          if (sending.fetch_sub(1) == 1) {
            a.close();
            b.close();
          }
        });
      for (int r = 0; r < 3; ++r)
        all.start([&] {
          bool open[2] = {true, true};
          auto take = [&](int which) {
            return [&, which](std::optional<int> v) {
              open[which] = open[which] && v.has_value();
              out += v.value_or(0);
            };
          };
          while (open[0] || open[1])
            coir::select(coir::on_receive(a, take(0)), coir::on_receive(b, take(1)),
                         coir::on_timeout(5us));
        });
      all.join();
      EXPECT_EQ(in, out);
    }
  });
}

TEST_P(Select, CasesMayBeMadeAtRunTime) {
  with_parties([](parties& all) {
    for (std::size_t count : {1U, 5U, 16U, 17U, 40U}) {
      std::vector<std::unique_ptr<coir::channel<int>>> channels;
      for (std::size_t i = 0; i < count; ++i)
        channels.push_back(std::make_unique<coir::channel<int>>());
      long sum = 0;
      std::vector<coir::select_case> cases;
      for (auto& ch : channels)
        cases.push_back(
            coir::on_receive(*ch, [&](std::optional<int> v) { sum += v.value_or(-1000); }));
      cases.push_back(coir::on_timeout(1h));
      for (std::size_t i = 0; i < count; ++i)
        all.start([&, i] { channels[i]->send(1 << (i % 8)); });
      std::vector<int> times(count + 1);
      for (std::size_t i = 0; i < count; ++i) ++times[coir::select(cases)];
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(times[i], 1);
      all.join();
    }
    std::vector<coir::select_case> none;
    EXPECT_THROW(coir::select(none), std::invalid_argument);
  });
}

TEST_P(Select, ACaseThatIsKeptKeepsTheValueToSend) {
  with_parties([](parties&) {
    coir::channel<std::string> out{8};
    std::vector<coir::select_case> cases;
    {
      std::string value = "a string that does not fit into the object itself";
      cases.push_back(coir::on_send(out, value));
    }
    EXPECT_EQ(coir::select(cases), 0U);
    EXPECT_EQ(coir::select(cases), 0U);
    std::array<coir::select_case, 2> moved{coir::on_send(out, std::string("once")),
                                           coir::otherwise()};
    EXPECT_EQ(coir::select(moved), 0U);
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(out.receive(), "a string that does not fit into the object itself");
    EXPECT_EQ(out.receive(), "once");
  });
}

TEST_P(Select, WhatAFunctionThrowsLeavesSelectAfterTheCaseHappened) {
  with_parties([](parties&) {
    coir::channel<int> ch{2};
    ch.send(1);
    ch.send(2);
    auto fail = [](std::optional<int>) { throw std::runtime_error("from the function"); };
    EXPECT_THROW(coir::select(coir::on_receive(ch, fail)), std::runtime_error);
    EXPECT_EQ(ch.receive(), 2);
    EXPECT_THROW(coir::select(coir::otherwise([] { throw 1; })), int);
  });
}

TEST_P(Select, AFunctionMaySelectItself) {
  with_parties([](parties&) {
    coir::channel<int> a{1};
    coir::channel<int> b{1};
    a.send(1);
    b.send(2);
    std::optional<int> inner;
    coir::select(coir::on_receive(
        a, [&](std::optional<int>) { coir::select(coir::on_receive(b, keep{&inner})); }));
    EXPECT_EQ(inner, 2);
  });
}

TEST_P(Select, AnUnboundedChannelIsAlwaysReadyForASend) {
  with_parties([](parties&) {
    coir::channel<int> ch{coir::unbounded};
    for (int i = 0; i < 3000; ++i)
      ASSERT_EQ(coir::select(coir::on_send(ch, i), coir::otherwise()), 0U);
    std::optional<int> got;
    for (int i = 0; i < 3000; ++i) {
      ASSERT_EQ(coir::select(coir::on_receive(ch, keep{&got})), 0U);
      ASSERT_EQ(got, i);
    }
  });
}

TEST_P(Select, AnEventIsReadyWhenItIsSet) {
  with_parties([](parties& all) {
    coir::event e;
    coir::channel<int> ch;
    std::optional<int> got;
    int called = 0;
    auto note = [&] { ++called; };
    EXPECT_EQ(coir::select(coir::on_event(e, note), coir::otherwise()), 1U);
    EXPECT_EQ(coir::select(coir::on_event(e, note), coir::on_timeout(10us)), 1U);
    all.start([&] { ch.send(1); });
    EXPECT_EQ(coir::select(coir::on_event(e, note), coir::on_receive(ch, keep{&got})), 1U);
    all.join();
    EXPECT_EQ(called, 0);
    all.start([&] { e.set(); });
    EXPECT_EQ(coir::select(coir::on_receive(ch, keep{&got}), coir::on_event(e, note)), 1U);
    all.join();
    EXPECT_TRUE(e.is_set());
    EXPECT_EQ(coir::select(coir::on_event(e, note)), 0U);
    EXPECT_EQ(called, 2);
    e.reset();
    EXPECT_EQ(coir::select(coir::on_event(e, note), coir::otherwise()), 1U);
  });
}

TEST_P(Select, AnEventWakesAllThatSelectFromIt) {
  with_parties([](parties& all) {
    for (int round = 0; round < 20; ++round) {
      coir::event e;
      coir::event never;
      std::atomic<int> woken{0};
      for (int i = 0; i < 6; ++i)
        all.start([&, i] {
          if (i % 2 == 0) {
            EXPECT_EQ(coir::select(coir::on_event(never), coir::on_event(e), coir::on_timeout(1h)),
                      1U);
          } else {
            e.wait();
          }
          ++woken;
        });
      if (round % 2 == 0) coir::this_fiber::yield();
      e.set();
      all.join();
      EXPECT_EQ(woken, 6);
      EXPECT_FALSE(never.is_set());
    }
  });
}

// Pearson's chi-square of `counts` against all being alike; 0.9999 quantiles.
void expect_uniform(const std::vector<int>& counts) {
  double total = 0;
  for (int c : counts) total += c;
  double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (int c : counts) sum += (c - expected) * (c - expected) / expected;
  const double quantiles[] = {0, 15.14, 18.42, 21.11, 23.51, 25.74, 27.86, 29.88};
  EXPECT_LT(sum, quantiles[counts.size() - 1]);
}

TEST(SelectFairness, EachOfTheReadyIsAsLikely) {
  constexpr int picks = 100'000;
  std::vector<std::unique_ptr<coir::channel<int>>> channels;
  for (int i = 0; i < 8; ++i) channels.push_back(std::make_unique<coir::channel<int>>());
  for (auto& ch : channels) ch->close();
  auto nothing = [](std::optional<int>) {};
  for (std::size_t count : {2U, 3U, 5U, 8U}) {
    std::vector<coir::select_case> cases;
    for (std::size_t i = 0; i < count; ++i)
      cases.push_back(coir::on_receive(*channels[i], nothing));
    std::vector<int> counts(count);
    for (int i = 0; i < picks; ++i) ++counts[coir::select(cases)];
    expect_uniform(counts);
  }
  // Ready ones between others that are not.
  coir::channel<int> idle;
  std::vector<int> counts(3);
  for (int i = 0; i < picks; ++i) {
    std::size_t which =
        coir::select(coir::on_receive(idle, nothing), coir::on_receive(*channels[0], nothing),
                     coir::on_receive(idle, nothing), coir::on_receive(*channels[1], nothing),
                     coir::on_receive(*channels[2], nothing), coir::otherwise());
    ++counts[which == 1 ? 0 : which - 2];
  }
  expect_uniform(counts);
}

TEST(SelectOrder, ASelectTakesItsTurnAmongTheWaiters) {
  coir::run([] {
    coir::channel<int> ch;
    coir::channel<int> other;
    std::vector<int> order;
    std::vector<coir::task<void>> all;
    for (int i = 0; i < 6; ++i)
      all.push_back(coir::spawn([&, i] {
        auto note = [&](std::optional<int> v) { order.push_back(10 * i + v.value()); };
        if (i % 2 == 0) {
          coir::select(coir::on_receive(other, note), coir::on_receive(ch, note));
        } else {
          note(ch.receive());
        }
      }));
    coir::this_fiber::yield();
    for (int i = 0; i < 6; ++i) ch.send(i);
    for (auto& t : all) t.join();
    EXPECT_EQ(order, (std::vector{0, 11, 22, 33, 44, 55}));
  });
}

TEST(SelectOrder, OfTwoTimeoutsTheEarlierOneWins) {
  coir_test::virtual_time clock;
  coir::run([] {
    coir::deadline start = coir::deadline::now();
    EXPECT_EQ(coir::select(coir::on_timeout(2h), coir::on_timeout(1h)), 1U);
    EXPECT_EQ(coir::deadline::now().nanoseconds() - start.nanoseconds(),
              std::chrono::nanoseconds(1h).count());
  });
}

TEST(SelectEnd, ASelectThatWaitsIsCancelledAtTheEndOfTheRun) {
  for (unsigned workers : {1U, 4U}) {
    coir::channel<int> in;
    coir::channel<std::unique_ptr<int>> out;
    std::atomic<int> began{0};
    std::atomic<int> cancelled{0};
    coir::run(
        [&] {
          for (int i = 0; i < 4; ++i)
            coir::spawn([&] {
              auto mine = std::make_unique<int>(1);
              ++began;
              try {
                coir::select(coir::on_receive(in, [](auto) { FAIL(); }),
                             coir::on_send(out, std::move(mine), [] { FAIL(); }),
                             coir::on_timeout(1h, [] { FAIL(); }));
              } catch (const coir::cancelled&) {
                EXPECT_NE(mine, nullptr);
                ++cancelled;
                throw;
              }
            });
          while (began == 0) coir::this_fiber::yield();
        },
        {.workers = workers});
    EXPECT_EQ(began, cancelled);
    EXPECT_FALSE(in.try_send(1));
    EXPECT_TRUE(out.try_receive().is_empty());
  }
}

using SelectDeadlock = coir_test::deadlock_test;
TEST_F(SelectDeadlock, ASelectThatNothingCanEndThrows) {
  coir::channel<int> ch;
  EXPECT_THROW(coir::run([&] { coir::select(coir::on_receive(ch, [](auto) {})); }), coir::deadlock);
  EXPECT_FALSE(ch.try_send(1));
}

}  // namespace
