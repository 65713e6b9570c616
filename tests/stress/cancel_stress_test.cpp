// cancel_stress_test.cpp - trees of tasks that wait everywhere and are cancelled at any moment.
// SPDX-License-Identifier: BSL-1.0
#include <coir/barrier.hpp>
#include <coir/cancel.hpp>
#include <coir/channel.hpp>
#include <coir/condition_variable.hpp>
#include <coir/condition_variable_any.hpp>
#include <coir/event.hpp>
#include <coir/gather.hpp>
#include <coir/latch.hpp>
#include <coir/mutex.hpp>
#include <coir/runtime.hpp>
#include <coir/select.hpp>
#include <coir/semaphore.hpp>
#include <coir/shield.hpp>
#include <coir/task_group.hpp>
#include <coir/testing.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "support/parties.hpp"
#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;

// COIR_TEST_SECONDS makes each test run that long.
std::chrono::milliseconds duration() {
  const char* given = std::getenv("COIR_TEST_SECONDS");
  return given != nullptr ? std::chrono::milliseconds(std::atol(given) * 1'000) : 500ms;
}

// All tasks of a round, for whoever wants to cancel one. A plain mutex: never held over a wait.
class registry {
 public:
  // False where enough have been made, or the round is closing.
  bool admits() const { return !closing_ && made_ < most; }

  void add(const coir::any_task& t) {
    std::lock_guard guard(lock_);
    all_.push_back(t);
    made_ = all_.size();
  }
  coir::any_task at(std::size_t index) {
    std::lock_guard guard(lock_);
    return all_[index];
  }
  std::size_t size() const { return made_; }

  void cancel_one(std::uint32_t any) {
    if (std::size_t size = made_) at(any % size).cancel();
  }

  // Asks each task once more, and waits for all: whoever was not told would never end.
  void cancel_all_and_join() {
    closing_ = true;
    for (std::size_t i = 0; i < size(); ++i) at(i).cancel();
    for (std::size_t i = 0; i < size(); ++i) {
      coir::any_task t = at(i);
      t.cancel();
      t.join();
    }
  }

 private:
  static constexpr std::size_t most = 400;
  std::mutex lock_;
  std::vector<coir::any_task> all_;
  std::atomic<std::size_t> made_{0};
  std::atomic<bool> closing_{false};
};

// What is to be conserved.
struct world {
  static constexpr int permits = 3;

  registry tasks;
  coir::event flag;
  coir::semaphore places{permits};
  std::atomic<int> placed{0};
  coir::channel<std::unique_ptr<int>> buffered{2};
  coir::channel<std::unique_ptr<int>> rendezvous{0};
  std::atomic<int> sent{0};
  std::atomic<int> received{0};
  coir::mutex m;
  int inside = 0;   // under m
  int tickets = 0;  // under m
  int issued = 0;   // under m
  int taken = 0;    // under m
  coir::condition_variable cv;
  coir::condition_variable_any any;

  void expect_conserved() {
    for (auto* ch : {&buffered, &rendezvous})
      while (ch->try_receive().has_value()) ++received;
    EXPECT_EQ(sent, received);
    EXPECT_EQ(placed, 0);
    for (int i = 0; i < permits; ++i) EXPECT_TRUE(places.try_acquire());
    EXPECT_FALSE(places.try_acquire());
    EXPECT_TRUE(m.try_lock());
    m.unlock();
    EXPECT_EQ(inside, 0);
    EXPECT_EQ(issued, taken + tickets);
  }
};

// One task.
class player {
 public:
  player(world& w, std::uint32_t seed, int depth) : w_(w), random_(seed), depth_(depth) {}

  void play() {
    try {
      for (std::uint32_t steps = 1 + draw(6); steps > 0; --steps) step(0);
      coir::this_fiber::cancellation_point();
    } catch (const coir::timed_out&) {
      ADD_FAILURE() << "a timeout without a scope";
    } catch (const coir::cancelled&) {
      if (draw(8) != 0) throw;
      bounded_step();
    }
  }

  static coir::task<void> spawn(world& w, std::uint32_t seed, int depth) {
    auto t = coir::spawn({.pinned = seed % 7 == 0},
                         [&w, seed, depth] { player(w, seed, depth).play(); });
    w.tasks.add(t);
    return t;
  }

 private:
  using microseconds = std::chrono::microseconds;

  // Waits in its destructor, as a connection that says goodbye does.
  class goodbye {
   public:
    explicit goodbye(player& of) : of_(of) {}
    goodbye(const goodbye&) = delete;
    goodbye& operator=(const goodbye&) = delete;
    ~goodbye() {
      // While an exception unwinds no mask is needed.
      std::optional<coir::uncancellable> mask;
      if (std::uncaught_exceptions() == 0 || of_.draw(2) == 0) mask.emplace();
      of_.bounded_step();
    }

   private:
    player& of_;
  };

  class place {
   public:
    explicit place(world& w) : w_(w) { EXPECT_LE(++w_.placed, world::permits); }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() {
      --w_.placed;
      w_.places.release();
    }

   private:
    world& w_;
  };

  // Of the mutex, which is held.
  class critical {
   public:
    explicit critical(world& w) : w_(w) { EXPECT_EQ(w_.inside++, 0); }
    critical(const critical&) = delete;
    critical& operator=(const critical&) = delete;
    ~critical() { EXPECT_EQ(--w_.inside, 0); }

   private:
    world& w_;
  };

  std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_()) % below; }
  microseconds some_time() { return microseconds(draw(3) == 0 ? 0 : draw(200)); }

  std::optional<coir::task<void>> child() {
    if (depth_ >= 5 || !w_.tasks.admits()) return std::nullopt;
    return spawn(w_, static_cast<std::uint32_t>(random_()), depth_ + 1);
  }

  // Ends whether it is cancelled or not.
  void bounded_step() {
    switch (draw(4)) {
      case 0:
        return coir::this_fiber::yield();
      case 1:
        return coir::this_fiber::sleep_for(some_time());
      case 2: {
        std::lock_guard lock(w_.m);
        critical here(w_);
        return;
      }
      default:
        return w_.tasks.cancel_one(draw(~0U));
    }
  }

  void step(int nesting) {
    if (told_) return bounded_step();
    switch (draw(nesting < 4 ? 20 : 14)) {
      case 0:
      case 1:
        return bounded_step();
      case 2:
        return draw(2) == 0 ? w_.flag.wait() : static_cast<void>(w_.flag.wait_for(some_time()));
      case 3:
        w_.flag.set();
        return w_.flag.reset();
      case 4:
        return use_place();
      case 5:
      case 6:
        return send(draw(2) == 0 ? w_.buffered : w_.rendezvous);
      case 7:
      case 8:
        return receive(draw(2) == 0 ? w_.buffered : w_.rendezvous);
      case 9:
        return choose();
      case 10: {
        std::lock_guard lock(w_.m);
        critical here(w_);
        return coir::this_fiber::yield();
      }
      case 11:
        return take_ticket();
      case 12:
        return issue_ticket();
      case 13:
        return w_.tasks.cancel_one(draw(~0U));
      case 14: {
        goodbye later(*this);
        return step(nesting + 1);
      }
      case 15:
        return in_time(nesting);
      case 16: {
        coir::uncancellable mask;
        return bounded_step();
      }
      case 17:
        return meet_child();
      default:
        return wait_for_children();
    }
  }

  void use_place() {
    if (draw(2) == 0) {
      w_.places.acquire();
    } else if (!w_.places.try_acquire_for(some_time())) {
      return;
    }
    place held(w_);
    coir::this_fiber::yield();
  }

  void send(coir::channel<std::unique_ptr<int>>& ch) {
    auto value = std::make_unique<int>(1);
    try {
      if (draw(2) == 0) {
        ch.send(std::move(value));
      } else if (!ch.send_for(std::move(value), some_time())) {
        EXPECT_NE(value, nullptr) << "not sent, and gone";
        return;
      }
    } catch (...) {
      EXPECT_NE(value, nullptr) << "not sent, and gone";
      throw;
    }
    EXPECT_EQ(value, nullptr);
    ++w_.sent;
  }

  void receive(coir::channel<std::unique_ptr<int>>& ch) {
    if (draw(2) == 0) {
      EXPECT_NE(ch.receive().value(), nullptr);
    } else if (auto result = ch.receive_for(some_time()); !result.has_value()) {
      return;
    }
    ++w_.received;
  }

  void choose() {
    auto value = std::make_unique<int>(1);
    auto got = [this](std::optional<std::unique_ptr<int>> v) {
      EXPECT_NE(v.value(), nullptr);
      ++w_.received;
    };
    try {
      if (draw(2) == 0) {
        coir::select(coir::on_receive(w_.buffered, got), coir::on_receive(w_.rendezvous, got),
                     coir::on_event(w_.flag, [] {}), coir::on_timeout(some_time(), [] {}));
      } else {
        coir::select(coir::on_send(w_.rendezvous, std::move(value), [this] { ++w_.sent; }),
                     coir::on_receive(w_.buffered, got));
      }
    } catch (...) {
      EXPECT_NE(value, nullptr) << "no case has happened";
      throw;
    }
  }

  void take_ticket() {
    std::unique_lock lock(w_.m);
    std::optional<critical> here(w_);
    try {
      auto wait = [&](auto& condition) {
        while (w_.tickets == 0) {
          here.reset();
          if (draw(2) == 0) {
            condition.wait(lock);
          } else {
            condition.wait_for(lock, some_time());
          }
          here.emplace(w_);
        }
      };
      draw(2) == 0 ? wait(w_.cv) : wait(w_.any);
    } catch (...) {
      EXPECT_TRUE(lock.owns_lock()) << "it locks again before it throws";
      here.emplace(w_);
      throw;
    }
    --w_.tickets;
    ++w_.taken;
  }

  void issue_ticket() {
    std::lock_guard lock(w_.m);
    critical here(w_);
    ++w_.tickets;
    ++w_.issued;
    w_.cv.notify_one();
    w_.any.notify_all();
  }

  void in_time(int nesting) {
    bool swallows = draw(4) == 0;
    auto some = [&] {
      for (std::uint32_t steps = 1 + draw(3); steps > 0; --steps) {
        try {
          step(nesting + 1);
        } catch (const coir::cancelled&) {
          if (!swallows) throw;
          told_ = true;
        }
      }
    };
    try {
      if (draw(2) == 0) {
        coir::with_timeout(some_time(), some);
      } else {
        coir::timeout_scope t{some_time()};
        if (!t.expired() && draw(2) == 0) reschedule(t);
        some();
      }
    } catch (const coir::timed_out&) {
    }
  }

  void reschedule(coir::timeout_scope& t) {
    try {
      if (draw(2) == 0) t.reschedule(std::chrono::hours::max());
      t.reschedule(some_time());
    } catch (const std::logic_error&) {
      EXPECT_TRUE(t.expired());
    }
  }

  // With a latch or a barrier between them. One that never starts is waited for in vain.
  void meet_child() {
    if (!w_.tasks.admits()) return;
    auto down = std::make_shared<coir::latch>(1);
    auto both = std::make_shared<coir::barrier<>>(2);
    auto t = coir::spawn(
        [down, both, one = player(w_, static_cast<std::uint32_t>(random_()), 5)]() mutable {
          down->count_down();
          one.bounded_step();
          both->arrive_and_wait();
        });
    w_.tasks.add(t);
    down->wait();
    both->arrive_and_wait();
  }

  void wait_for_children() {
    std::vector<coir::task<void>> children;
    for (std::uint32_t count = 1 + draw(3); count > 0; --count)
      if (auto one = child()) children.push_back(*one);
    if (children.empty()) return;
    coir::task<void>& first = children.front();
    switch (draw(8)) {
      case 0:
        return first.join();
      case 1:
        return shared_end(first);
      case 2:
        return coir::shield(first).join();
      case 3:
        static_cast<void>(coir::gather_settled(children));
        return;
      case 4:
        static_cast<void>(coir::wait(children, coir::first_completed, some_time()));
        return;
      case 5:
        coir::select(coir::on_task(first, [](auto&) {}), coir::on_timeout(some_time(), [] {}));
        return;
      case 6: {
        coir::task_group g;
        for (int i = 0; i < 2; ++i)
          g.spawn([one = player(w_, static_cast<std::uint32_t>(random_()), 5)]() mutable {
            one.bounded_step();
          });
        return g.join();
      }
      default:
        return;  // they run on
    }
  }

  // What is thrown may be the task's, which somebody else has cancelled, or the waiter's own.
  void shared_end(coir::task<void>& t) {
    try {
      t.get();
    } catch (const coir::cancelled&) {
      if (!t.cancelled()) throw;
      told_ = true;
    }
  }

  world& w_;
  std::minstd_rand random_;
  int depth_;
  bool told_ = false;  // and goes on, maybe; nobody may ask again
};

class CancelStress : public coir_test::leaks_no_stack<testing::TestWithParam<unsigned>> {
 protected:
  // Cancels at random from outside until it goes: from a plain thread, and from a fiber there.
  class outsider {
   public:
    outsider(world& w, std::uint32_t seed)
        : thread_([this, &w, seed] {
            std::minstd_rand random(seed);
            auto cancel_some = [&] {
              for (int i = 0; i < 10; ++i) w.tasks.cancel_one(static_cast<std::uint32_t>(random()));
            };
            while (!over_) {
              cancel_some();
              if (random() % 4 == 0) coir::run(cancel_some);
              std::this_thread::yield();
            }
          }) {}
    outsider(const outsider&) = delete;
    outsider& operator=(const outsider&) = delete;
    ~outsider() {
      over_ = true;
      thread_.join();
    }

   private:
    std::atomic<bool> over_{false};
    std::thread thread_;
  };

  void round(std::uint32_t seed) {
    auto world_of_its_own = std::make_unique<world>();
    world& w = *world_of_its_own;
    coir::run(
        [&] {
          std::optional<outsider> other;
          if (seed % 2 == 0) other.emplace(w, seed);
          for (std::uint32_t i = 0; i < 10; ++i) player::spawn(w, seed + i, 0);
          for (std::uint32_t i = 0; i < 200 + seed % 2'000; ++i) {
            if (i % 16 == 0) w.tasks.cancel_one(i * 7919U + seed);
            coir::this_fiber::yield();
          }
          other.reset();
          w.tasks.cancel_all_and_join();
          w.expect_conserved();
        },
        {.workers = GetParam()});
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, CancelStress, testing::Values(1U, 2U, 4U, 16U));

TEST_P(CancelStress, NothingIsLostAndEveryTaskEnds) {
  std::mt19937 seeds(coir_test::stress_seed());
  const auto end = std::chrono::steady_clock::now() + duration();
  do {
    const auto seed = static_cast<std::uint32_t>(seeds());
    SCOPED_TRACE(seed);
    round(seed);
  } while (std::chrono::steady_clock::now() < end && !HasFailure());
}

TEST_P(CancelStress, NeitherWhereTimePassesOnlyWhenAllWait) {
  coir::testing::virtual_time clock;
  std::mt19937 seeds(coir_test::stress_seed());
  const auto end = std::chrono::steady_clock::now() + duration();
  do {
    const auto seed = static_cast<std::uint32_t>(seeds());
    SCOPED_TRACE(seed);
    round(seed);
  } while (std::chrono::steady_clock::now() < end && !HasFailure());
}

}  // namespace
