// queue_test.cpp - what must not be done with queues, and what is said of it.
// SPDX-License-Identifier: BSL-1.0
#include <coir/queue.hpp>
#include <coir/runtime.hpp>
#include <coir/this_fiber.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include "support/death.hpp"

namespace {

template <class Exception, class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(QueueMisuse, DestroyingOneThatSomebodyWaitsOnAborts) {
  coir_test::die_in_new_program();
  using queue = coir::queue<int>;
  auto destroy_while = [](void (*wait)(queue&)) {
    coir::run([wait] {
      auto q = std::make_unique<queue>(1);
      q->put(1);
      auto t = coir::spawn([&] { wait(*q); });
      coir::this_fiber::yield();
      q.reset();
    });
  };
  const char* why = "^coir: a queue is destroyed while somebody waits on it\n";
  EXPECT_DEATH(destroy_while([](queue& q) { q.put(2); }), why);
  EXPECT_DEATH(destroy_while([](queue& q) { q.join(); }), why);
  EXPECT_DEATH(destroy_while([](queue& q) { q.get(), q.get(); }), why);
}

TEST(QueueMisuse, MarkingMoreAsDoneThanWasPutSaysSo) {
  coir::queue<int> q;
  EXPECT_EQ(message_of<std::logic_error>([&] { q.task_done(); }),
            "coir: task_done() is called more often than items were put");
}

TEST(QueueMisuse, UsingOneThatWasShutDownSaysSo) {
  coir::lifo_queue<int> q;
  q.shutdown();
  EXPECT_EQ(message_of<coir::queue_shutdown>([&] { q.put(1); }), "queue shut down");
  EXPECT_EQ(message_of<std::runtime_error>([&] { q.get(); }), "queue shut down");
}

struct greedy {
  static inline std::function<void()> use;
  bool operator()(int a, int b) const {
    if (use) use();
    return a < b;
  }
};

TEST(QueueMisuse, AComparisonThatUsesItsQueueIsToldSoAndNothingIsLost) {
  coir::priority_queue<int, greedy> q{3};
  q.put(1);
  std::function<void()> uses[] = {[&] { q.put(5); }, [&] { q.get(); }, [&] { q.shutdown(true); }};
  for (auto& use : uses) {
    greedy::use = use;
    try {
      q.put(2);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::resource_deadlock_would_occur);
    }
    greedy::use = nullptr;
    EXPECT_EQ(q.size(), 1U);
  }
  q.put(2);
  q.put(3);
  EXPECT_TRUE(q.full());
  EXPECT_EQ(q.get(), 1);
}

}  // namespace
