// channel_stress_test.cpp - fibers of several runtimes and threads, on channels, in every way.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel.hpp>
#include <coir/runtime.hpp>
#include <coir/select.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;

#if COIR_TSAN
constexpr int rounds = 6;
constexpr int values_each = 60;
#else
constexpr int rounds = 30;
constexpr int values_each = 300;
#endif
constexpr std::size_t channels = 4;
constexpr int of_each_kind = 2;  // senders, and receivers, on each runtime and on threads

// COIR_SEED repeats a run, as far as the machine does.
std::uint32_t seed() {
  const char* given = std::getenv("COIR_SEED");
  const auto chosen = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 0))
                                       : std::random_device{}();
  std::cout << "COIR_SEED=" << chosen << '\n';
  return chosen;
}

// Throws on every so many-th copy; copied, not moved, into its box.
struct fragile {
  static inline std::atomic<unsigned> copies{0};
  static inline std::atomic<long> alive{0};
  explicit fragile(int from) : value(from) { ++alive; }
  fragile(const fragile& other) : value(other.value) {
    if (copies.fetch_add(1) % 17 == 0) throw std::bad_alloc();
    ++alive;
  }
  fragile(fragile&& other) noexcept(false) : fragile(std::as_const(other)) {}
  ~fragile() { --alive; }
  int value;
};

struct plain {
  explicit plain(int from) : value(std::make_unique<int>(from)) {}
  std::unique_ptr<int> value;
};

int number_of(const fragile& v) {
  return v.value;
}
int number_of(const plain& v) {
  return *v.value;
}

template <class T>
class world {
 public:
  explicit world(std::uint_fast32_t seed) : random_(seed) {
    const std::size_t capacities[] = {0, 0, 1, 2, 7, coir::unbounded};
    for (std::size_t i = 0; i < channels; ++i)
      channels_.push_back(std::make_unique<coir::channel<T>>(capacities[random_() % 6]));
  }

  void run() {
    coir::runtime one = coir::runtime::background();
    coir::runtime four = coir::runtime::background({.workers = coir_test::several_workers()});
    std::vector<coir::task<void>> fibers;
    std::vector<std::thread> threads;
    constexpr int senders = 3 * of_each_kind;
    seen_ = std::vector<std::atomic<int>>(senders * values_each);
    sending_ = senders;
    for (int i = 0; i < of_each_kind; ++i) {
      for (int place = 0; place < 3; ++place) {
        int first = (i * 3 + place) * values_each;
        start(place, one, four, fibers, threads, [this, first, s = random_()] { send(first, s); });
        start(place, one, four, fibers, threads, [this, s = random_()] { receive(s); });
      }
    }
    for (auto& t : fibers) t.get();
    for (auto& t : threads) t.join();
    for (auto& times : seen_) ASSERT_EQ(times, 1);
    for (auto& ch : channels_) {
      ASSERT_TRUE(ch->empty());
      ASSERT_TRUE(ch->is_closed());
    }
  }

 private:
  static void start(int place, coir::runtime& one, coir::runtime& four,
                    std::vector<coir::task<void>>& fibers, std::vector<std::thread>& threads,
                    std::function<void()> body) {
    if (place == 0) {
      fibers.push_back(one.spawn(body));
    } else if (place == 1) {
      fibers.push_back(four.spawn(body));
    } else {
      threads.emplace_back(body);
    }
  }

  void send(int first, std::uint_fast32_t seed) {
    std::mt19937 random(seed);
    for (int i = first; i < first + values_each;) {
      T value(i);
      auto& ch = *channels_[random() % channels];
      auto& other = *channels_[random() % channels];
      auto wait = std::chrono::microseconds(random() % 50);
      try {
        switch (random() % 5) {
          case 0:
            ch.send(std::move(value));
            ++i;
            break;
          case 1:
            i += ch.try_send(std::move(value)) ? 1 : 0;
            break;
          case 2:
            i += ch.send_for(std::move(value), wait) ? 1 : 0;
            break;
          case 3: {
            T again(i);
            coir::select(coir::on_send(ch, std::move(value)),
                         coir::on_send(other, std::move(again)));
            ++i;
            break;
          }
          default:
            // The random choice may fall on the timeout, or on a receive that has something.
            i += coir::select(coir::on_timeout(wait), coir::on_send(ch, std::move(value)),
                              coir::on_receive(other, [&](std::optional<T> v) { note(v); })) == 1
                     ? 1
                     : 0;
        }
      } catch (const std::bad_alloc&) {
        // Nothing was sent, or nothing taken.
      }
    }
    if (sending_.fetch_sub(1) == 1)
      for (auto& ch : channels_) ch->close();
  }

  void receive(std::uint_fast32_t seed) {
    std::mt19937 random(seed);
    std::vector<bool> open(channels, true);
    std::size_t left = channels;
    auto close = [&](std::size_t which) {
      left -= open[which] ? 1 : 0;
      open[which] = false;
    };
    while (left > 0) {
      std::size_t a = random() % channels;
      std::size_t b = random() % channels;
      auto wait = std::chrono::microseconds(random() % 50);
      try {
        switch (random() % 4) {
          case 0: {
            auto got = channels_[a]->receive_for(wait);
            if (got) note(got.storage());
            if (got.is_closed()) close(a);
            break;
          }
          case 1: {
            auto got = channels_[a]->try_receive();
            if (got) note(got.storage());
            if (got.is_closed()) close(a);
            break;
          }
          case 2:
            coir::select(on(a, close), on(b, close), coir::on_timeout(wait));
            break;
          default: {
            std::vector<coir::select_case> cases;
            for (std::size_t i = 0; i < channels; ++i) cases.push_back(on(i, close));
            coir::select(cases);
          }
        }
      } catch (const std::bad_alloc&) {
      }
    }
  }

  template <class Close>
  auto on(std::size_t which, Close& close) {
    return coir::on_receive(*channels_[which], [this, which, &close](std::optional<T> v) {
      if (v) {
        note(v);
      } else {
        close(which);
      }
    });
  }

  void note(const std::optional<T>& v) {
    if (v) ++seen_[static_cast<std::size_t>(number_of(*v))];
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<coir::channel<T>>> channels_;
  std::vector<std::atomic<int>> seen_;
  std::atomic<int> sending_{0};
};

TEST(ChannelStress, EveryValueIsReceivedOnceWhateverTheForm) {
  std::mt19937 random(seed());
  for (int i = 0; i < rounds; ++i) {
    world<plain>(random()).run();
    if (HasFatalFailure()) return;
  }
}

TEST(ChannelStress, EveryValueIsReceivedOnceThoughCopiesThrow) {
  std::mt19937 random(seed());
  for (int i = 0; i < rounds; ++i) {
    world<fragile>(random()).run();
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(fragile::alive, 0);
}

TEST(ChannelStress, CloseMeetsSendersReceiversAndSelectsAtAnyMoment) {
  std::mt19937 random(seed());
  coir::runtime rt = coir::runtime::background({.workers = coir_test::several_workers()});
  for (int i = 0; i < rounds * 5; ++i) {
    coir::channel<int> a{random() % 3};
    coir::channel<int> b{random() % 3};
    std::atomic<long> in{0};
    std::atomic<long> out{0};
    auto add = [&](std::optional<int> v) { out += v.value_or(0); };
    std::vector<coir::task<void>> all;
    for (int k = 1; k <= 2; ++k) {
      all.push_back(rt.spawn([&, k] {
        try {
          for (int n = 1;; ++n) {
            (k == 1 ? a : b).send(n);
            in += n;
          }
        } catch (const coir::channel_closed&) {
        }
      }));
      all.push_back(rt.spawn([&] {
        try {
          for (int n = 1;; ++n) {
            if (coir::select(coir::on_send(a, n), coir::on_receive(b, add)) == 0) in += n;
            if (a.is_closed() && b.is_closed()) break;
          }
        } catch (const coir::channel_closed&) {
        }
      }));
      all.push_back(rt.spawn([&] {
        while (!a.is_closed() || !b.is_closed())
          coir::select(coir::on_receive(a, add), coir::on_receive(b, add));
      }));
    }
    std::thread thread([&] {
      for (int v : a) out += v;
    });
    auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 200);
    while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
    a.close();
    b.close();
    for (auto& t : all) t.join();
    thread.join();
    for (int v : a) out += v;
    for (int v : b) out += v;
    ASSERT_EQ(in, out);
    for (auto& t : all) ASSERT_EQ(t.exception(), nullptr);
  }
}

}  // namespace
