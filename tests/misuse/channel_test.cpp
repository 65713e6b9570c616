// channel_test.cpp - what must not be done with channels, and what is said of it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>
#include <coir/local_channel.hpp>
#include <coir/runtime.hpp>
#include <coir/select.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/death.hpp"

namespace {

using namespace std::chrono_literals;

template <class Exception, class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(ChannelMisuse, DestroyingOneThatSomebodyWaitsOnAborts) {
  coir_test::die_in_new_program();
  auto receive = [] {
    coir::run([] {
      auto ch = std::make_unique<coir::channel<int>>();
      auto t = coir::spawn([&] { ch->receive(); });
      coir::this_fiber::yield();
      ch.reset();
    });
  };
  EXPECT_DEATH(receive(), "coir: a channel is destroyed while somebody waits on it");
  auto send = [] {
    coir::run([] {
      auto ch = std::make_unique<coir::channel<int>>();
      auto t = coir::spawn([&] { ch->send(1); });
      coir::this_fiber::yield();
      ch.reset();
    });
  };
  EXPECT_DEATH(send(), "coir: a channel is destroyed while somebody waits on it");
}

TEST(ChannelMisuse, BadCapacitiesSayWhy) {
  EXPECT_EQ(message_of<std::invalid_argument>([] { coir::channel<int> ch{-1}; }),
            "channel: a negative capacity");
  EXPECT_EQ(message_of<std::invalid_argument>([] { coir::channel<int> ch{PTRDIFF_MAX}; }),
            "channel: a capacity beyond all memory");
}

TEST(ChannelMisuse, SendingOnAClosedOneSaysSo) {
  coir::channel<int> ch;
  ch.close();
  EXPECT_EQ(message_of<coir::channel_closed>([&] { ch.send(1); }), "channel closed");
  EXPECT_EQ(message_of<std::runtime_error>([&] { ch.try_send(1); }), "channel closed");
}

TEST(ChannelMisuse, ASelectWithoutACaseIsRefused) {
  EXPECT_EQ(message_of<std::invalid_argument>([] { coir::select(std::span<coir::select_case>()); }),
            "coir: a select without a case would wait for ever");
}

TEST(LocalChannelMisuse, APlainThreadMayNotUseIt) {
  coir::local_channel<int> ch{4};
  std::string why = "coir: a local_channel is used outside of any fiber";
  std::function<void()> uses[] = {[&] { ch.send(1); },
                                  [&] { ch.try_send(1); },
                                  [&] { ch.send_for(1, 1s); },
                                  [&] { ch.receive(); },
                                  [&] { ch.try_receive(); },
                                  [&] { ch.receive_for(1s); },
                                  [&] { ch.close(); },
                                  [&] { ch.size(); },
                                  [&] { ch.is_closed(); },
                                  [&] { ch.begin(); },
                                  [&] { coir::select(coir::on_send(ch, 1)); }};
  for (auto& use : uses) EXPECT_EQ(message_of<std::logic_error>(use), why);
  coir::run([&] { ch.send(1); });
  for (auto& use : uses) EXPECT_EQ(message_of<std::logic_error>(use), why);
}

TEST(LocalChannelMisuse, AFiberThatMayMoveMayNotUseIt) {
  coir::run(
      [] {
        coir::local_channel<int> ch{4};
        EXPECT_EQ(message_of<std::logic_error>([&] { ch.send(1); }),
                  "coir: a local_channel is used by a fiber that is not pinned, in a runtime of "
                  "several workers");
        auto pinned = coir::spawn({.pinned = true}, [&] { ch.send(1); });
        pinned.get();
        EXPECT_THROW(ch.receive(), std::logic_error);
        EXPECT_THROW(coir::select(coir::on_receive(ch, [](auto) {})), std::logic_error);
      },
      {.workers = 2});
}

TEST(LocalChannelMisuse, TwoWorkersMayNotShareIt) {
  coir::local_channel<int> ch{4};
  coir::run([&] { ch.send(1); });
  coir::runtime here;
  coir::runtime other = coir::runtime::background();
  coir::local_channel<int> own{4};
  here.run_until_complete([&] {
    own.send(1);
    auto t = other.spawn([&] {
      EXPECT_EQ(message_of<std::logic_error>([&] { own.send(2); }),
                "coir: a local_channel is used on two workers");
    });
    t.get();
    EXPECT_EQ(own.receive(), 1);
  });
}

}  // namespace
