// channel_fuzz_test.cpp - random programs of fibers and channels against a sequential model.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>
#include <coir/local_channel.hpp>
#include <coir/runtime.hpp>
#include <coir/select.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sched/clock.hpp"

namespace {

using namespace std::chrono_literals;

#if COIR_TSAN || COIR_ASAN
constexpr int programs = 2'000;
#else
constexpr int programs = 20'000;
#endif

std::uint32_t seed() {
  const char* given = std::getenv("COIR_SEED");
  const auto chosen = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 0))
                                       : std::random_device{}();
  std::cout << "COIR_SEED=" << chosen << '\n';
  return chosen;
}

// The model: what channels are, said without any waiting. One worker runs one fiber at a time, so
// the model is told of each operation just before it begins, and knows at once how it ends, or that
// it waits and in which order. Of a select that need not wait it learns afterwards what was picked.
struct offer {
  std::size_t channel;
  bool sends;
  int value;  // to send
};

struct ending {
  std::size_t which = 0;     // of the offers
  std::optional<int> value;  // received
  bool closed = false;       // found closed, by a send or a receive
  friend bool operator==(const ending&, const ending&) = default;
};

struct pending {
  std::vector<offer> offers;
  std::int64_t until;
  std::optional<ending> end;  // decided by another

  // The clock moves only while every fiber waits, and then all that is due is decided.
  bool live(std::int64_t now) const { return !end.has_value() && now < until; }
};

class model {
 public:
  explicit model(const std::vector<std::size_t>& capacities) {
    for (std::size_t capacity : capacities) channels_.push_back({capacity, {}, {}, {}, false});
  }

  // Whether an offer would be taken now.
  bool ready(const offer& o) {
    one& ch = channels_[o.channel];
    if (ch.closed) return true;
    if (o.sends) return ch.items.size() < ch.capacity || first_live(ch.receivers) != nullptr;
    return !ch.items.empty() || first_live(ch.senders) != nullptr;
  }

  // It is taken.
  ending take(const std::vector<offer>& offers, std::size_t which) {
    const offer& o = offers[which];
    one& ch = channels_[o.channel];
    ending end{which, std::nullopt, false};
    if (o.sends) {
      if (ch.closed) {
        end.closed = true;
      } else if (auto* r = first_live(ch.receivers)) {
        r->who->end = ending{r->which, o.value, false};
      } else {
        ch.items.push_back(o.value);
      }
      return end;
    }
    if (!ch.items.empty()) {
      end.value = ch.items.front();
      ch.items.pop_front();
      if (auto* s = first_live(ch.senders)) {
        ch.items.push_back(s->who->offers[s->which].value);
        s->who->end = ending{s->which, std::nullopt, false};
      }
    } else if (auto* s = first_live(ch.senders)) {
      end.value = s->who->offers[s->which].value;
      s->who->end = ending{s->which, std::nullopt, false};
    } else {
      end.closed = true;
    }
    return end;
  }

  void wait(const std::shared_ptr<pending>& p) {
    for (std::size_t i = 0; i < p->offers.size(); ++i) {
      one& ch = channels_[p->offers[i].channel];
      (p->offers[i].sends ? ch.senders : ch.receivers).push_back({p, i});
    }
  }

  void close(std::size_t channel) {
    one& ch = channels_[channel];
    ch.closed = true;
    for (auto* list : {&ch.receivers, &ch.senders})
      while (auto* w = first_live(*list)) w->who->end = ending{w->which, std::nullopt, true};
  }

  bool closed(std::size_t channel) const { return channels_[channel].closed; }
  std::size_t size(std::size_t channel) const { return channels_[channel].items.size(); }

 private:
  struct waiting {
    std::shared_ptr<pending> who;
    std::size_t which;
  };
  struct one {
    std::size_t capacity;
    std::deque<int> items;
    std::list<waiting> receivers;
    std::list<waiting> senders;
    bool closed;
  };

  static waiting* first_live(std::list<waiting>& list) {
    std::int64_t now = coir::clock_now();
    while (!list.empty() && !list.front().who->live(now)) list.pop_front();
    return list.empty() ? nullptr : &list.front();
  }

  std::vector<one> channels_;
};

// A program: some fibers, some channels, and what they do.
template <class Door>
class program {
  using channel = coir::channel<int, Door>;

 public:
  explicit program(std::uint_fast32_t seed)
      : random_(seed), capacities_(draw_capacities()), model_(capacities_) {
    for (std::size_t capacity : capacities_)
      channels_.push_back(std::make_unique<channel>(capacity));
  }

  void run() {
    std::vector<coir::task<void>> fibers;
    std::size_t count = 1 + below(5);
    for (std::size_t i = 0; i < count; ++i) fibers.push_back(coir::spawn([this] { body(); }));
    // Later than all timeouts of the fibers: those that still wait do so for ever.
    coir::this_fiber::sleep_for(1h);
    for (std::size_t i = 0; i < channels_.size(); ++i) close(i);
    for (auto& f : fibers) f.get();
    for (std::size_t i = 0; i < channels_.size(); ++i)
      EXPECT_EQ(channels_[i]->size(), model_.size(i));
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::vector<std::size_t> draw_capacities() {
    std::vector<std::size_t> drawn(1 + below(3));
    for (auto& capacity : drawn) capacity = below(8) == 0 ? coir::unbounded : below(4);
    return drawn;
  }

  offer draw_offer() { return {below(channels_.size()), below(2) == 0, next_value_++}; }

  void body() {
    std::size_t steps = 1 + below(12);
    for (std::size_t i = 0; i < steps; ++i) step();
  }

  void step() {
    switch (below(16)) {
      case 0:
        coir::this_fiber::yield();
        break;
      case 1:
        coir::this_fiber::sleep_for(std::chrono::milliseconds(1 + below(5)));
        break;
      case 2:
        if (below(4) == 0) close(below(channels_.size()));
        break;
      case 3:
      case 4: {
        offer o = draw_offer();
        expect({o}, true, [&](auto) { return o.sends ? try_send(o) : try_receive(o); });
        break;
      }
      case 5:
      case 6:
        select(true, 1 + below(4));
        break;
      case 7:
      case 8:
      case 9:
        select(false, 1 + below(4));
        break;
      default: {
        offer o = draw_offer();
        expect({o}, false,
               [&](std::int64_t until) { return o.sends ? send(o, until) : receive(o, until); });
      }
    }
  }

  void close(std::size_t i) {
    model_.close(i);
    channels_[i]->close();
  }

  // Empty: it did not happen, or the time was up.
  using result = std::optional<ending>;

  static auto left(std::int64_t until) {
    return std::chrono::nanoseconds(until - coir::clock_now());
  }

  result try_send(const offer& o) {
    try {
      if (!channels_[o.channel]->try_send(o.value)) return std::nullopt;
      return ending{};
    } catch (const coir::channel_closed&) {
      return ending{0, std::nullopt, true};
    }
  }
  result try_receive(const offer& o) { return result_of(channels_[o.channel]->try_receive()); }

  result send(const offer& o, std::int64_t until) {
    try {
      if (until == never) {
        channels_[o.channel]->send(o.value);
      } else if (!channels_[o.channel]->send_for(o.value, left(until))) {
        return std::nullopt;
      }
      return ending{};
    } catch (const coir::channel_closed&) {
      return ending{0, std::nullopt, true};
    }
  }
  result receive(const offer& o, std::int64_t until) {
    if (until != never) return result_of(channels_[o.channel]->receive_for(left(until)));
    std::optional<int> got = channels_[o.channel]->receive();
    return ending{0, got, !got.has_value()};
  }
  static result result_of(coir::receive_result<int> got) {
    if (got.is_closed()) return ending{0, std::nullopt, true};
    if (!got.has_value()) return std::nullopt;
    return ending{0, *got, false};
  }

  void select(bool never_waits, std::size_t count) {
    std::vector<offer> offers;
    for (std::size_t i = 0; i < count; ++i) offers.push_back(draw_offer());
    expect(offers, never_waits, [&](std::int64_t until) -> result {
      ending end;
      std::size_t called = 99;
      std::vector<coir::select_case> cases;
      for (std::size_t i = 0; i < count; ++i) {
        channel& ch = *channels_[offers[i].channel];
        if (offers[i].sends) {
          cases.push_back(coir::on_send(ch, offers[i].value, [&, i] { called = i; }));
        } else {
          cases.push_back(coir::on_receive(ch, [&, i](std::optional<int> v) {
            called = i;
            end.value = v;
            end.closed = !v.has_value();
          }));
        }
      }
      if (never_waits) cases.push_back(coir::otherwise());
      if (until != never) cases.push_back(coir::on_timeout(left(until)));
      try {
        end.which = coir::select(cases);
      } catch (const coir::channel_closed&) {
        // Which of them it was is not told; the model finds one that is closed.
        return ending{closed_send, std::nullopt, true};
      }
      if (end.which == count) return std::nullopt;
      EXPECT_EQ(called, end.which);
      return end;
    });
  }

  // Does one operation, and holds what came of it against the model.
  template <class Do>
  void expect(std::vector<offer> offers, bool never_waits, Do operation) {
    std::vector<std::size_t> can;
    for (std::size_t i = 0; i < offers.size(); ++i)
      if (model_.ready(offers[i])) can.push_back(i);
    std::int64_t until =
        !never_waits && below(3) == 0
            ? coir::clock_now() + static_cast<std::int64_t>(1 + below(6)) * 1'000'000
            : never;
    if (!can.empty() || never_waits) {
      result got = operation(until);
      ASSERT_EQ(got.has_value(), !can.empty());
      if (!got.has_value()) return;
      std::size_t which = got->which;
      if (which == closed_send)
        for (std::size_t i : can)
          if (offers[i].sends && model_.closed(offers[i].channel)) which = i;
      ASSERT_NE(std::find(can.begin(), can.end(), which), can.end()) << "it was not ready";
      got->which = which;
      ASSERT_EQ(*got, model_.take(offers, which));
      return;
    }
    auto p = std::make_shared<pending>(pending{offers, until, std::nullopt});
    model_.wait(p);
    result got = operation(until);
    ASSERT_EQ(got.has_value(), p->end.has_value());
    if (!got.has_value()) {
      ASSERT_GE(coir::clock_now(), until);
      return;
    }
    if (got->which == closed_send) got->which = p->end->which;
    ASSERT_EQ(*got, *p->end);
  }

  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
  static constexpr std::size_t closed_send = 1000;

  std::mt19937 random_;
  std::vector<std::size_t> capacities_;
  model model_;
  std::vector<std::unique_ptr<channel>> channels_;
  int next_value_ = 0;
};

template <class Door>
void run_programs() {
  coir::set_virtual_clock(true);
  coir::run([] {
    std::mt19937 random(seed());
    for (int i = 0; i < programs && !testing::Test::HasFailure(); ++i) {
      auto own = random();
      SCOPED_TRACE("program " + std::to_string(i) + " of its own seed " + std::to_string(own));
      program<Door>(own).run();
    }
  });
  coir::set_virtual_clock(false);
}

TEST(ChannelFuzz, RandomProgramsDoWhatTheModelSays) {
  run_programs<coir::shared_door>();
}

TEST(ChannelFuzz, RandomProgramsOfLocalChannelsDoWhatTheModelSays) {
  run_programs<coir::local_door>();
}

}  // namespace
