// shared_mutex_test.cpp - many read or one writes, and nobody is starved.
// SPDX-License-Identifier: BSL-1.0
#include <coir/shared_mutex.hpp>

#include <coir/event.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "support/parties.hpp"

namespace {

using namespace std::chrono_literals;
using coir_test::parties;

class SharedMutex : public coir_test::party_test {};
INSTANTIATE_TEST_SUITE_P(By, SharedMutex, coir_test::every_kind(), coir_test::name_of_kind);

static_assert(!std::is_copy_constructible_v<coir::shared_mutex>);
static_assert(std::is_standard_layout_v<coir::shared_mutex>);
static_assert(std::is_standard_layout_v<coir::shared_timed_mutex>);
constinit coir::shared_mutex at_program_start;

template <class M>
void reads_together_writes_alone(parties& all) {
  M m;
  std::atomic<int> readers{0}, writers{0};
  int value = 0;
  for (int i = 0; i < 8; ++i)
    all.start([&, i] {
      for (int turn = 0; turn < 100; ++turn) {
        if ((i + turn) % 4 == 0) {
          std::unique_lock lock(m);
          EXPECT_EQ(++writers, 1);
          EXPECT_EQ(readers, 0);
          int before = value;
          coir::this_fiber::yield();
          value = before + 1;
          --writers;
        } else {
          std::shared_lock lock(m);
          ++readers;
          EXPECT_EQ(writers, 0);
          int before = value;
          coir::this_fiber::yield();
          EXPECT_EQ(value, before);
          --readers;
        }
      }
    });
  all.join();
  EXPECT_EQ(value, 200);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST_P(SharedMutex, ManyReadOrOneWrites) {
  with_parties(reads_together_writes_alone<coir::shared_mutex>);
  with_parties(reads_together_writes_alone<coir::shared_timed_mutex>);
}

TEST_P(SharedMutex, TryingNeverWaits) {
  with_parties([](parties& all) {
    coir::shared_mutex m;
    EXPECT_TRUE(m.try_lock_shared());
    EXPECT_TRUE(m.try_lock_shared());
    all.start([&] {
      EXPECT_FALSE(m.try_lock());
      EXPECT_TRUE(m.try_lock_shared());
      m.unlock_shared();
    });
    all.join();
    m.unlock_shared();
    EXPECT_FALSE(m.try_lock());
    m.unlock_shared();
    EXPECT_TRUE(m.try_lock());
    all.start([&] {
      EXPECT_FALSE(m.try_lock());
      EXPECT_FALSE(m.try_lock_shared());
    });
    all.join();
    m.unlock();
    std::lock_guard guard(at_program_start);
  });
}

TEST_P(SharedMutex, AWriterThatLocksAgainIsToldOfTheDeadlock) {
  with_parties([](parties&) {
    coir::shared_mutex m;
    std::lock_guard guard(m);
    auto told = [](auto lock) {
      try {
        lock();
      } catch (const std::system_error& error) {
        return error.code() == std::errc::resource_deadlock_would_occur;
      }
      return false;
    };
    EXPECT_TRUE(told([&] { m.lock(); }));
    EXPECT_TRUE(told([&] { m.lock_shared(); }));
  });
}

TEST_P(SharedMutex, ATimedOneGivesUpInTime) {
  with_parties([](parties& all) {
    coir::shared_timed_mutex m;
    m.lock();
    all.start([&] {
      EXPECT_FALSE(m.try_lock_for(1ms));
      EXPECT_FALSE(m.try_lock_shared_for(1ms));
      EXPECT_FALSE(m.try_lock_for(-1s));
      EXPECT_FALSE(m.try_lock_until(std::chrono::steady_clock::now() + 1ms));
      EXPECT_FALSE(m.try_lock_shared_until(std::chrono::system_clock::now() + 1ms));
    });
    all.join();
    m.unlock();
    all.start([&] {
      EXPECT_TRUE(m.try_lock_shared_for(0s));
      EXPECT_TRUE(m.try_lock_shared_until(std::chrono::steady_clock::now()));
      EXPECT_FALSE(m.try_lock_for(1ms));
      m.unlock_shared();
      m.unlock_shared();
      EXPECT_TRUE(m.try_lock_for(1h));
      m.unlock();
    });
    all.join();
  });
}

// Who is let in when, on one worker.
class SharedMutexOrder : public testing::Test {
 protected:
  void reads(const std::string& name) {
    tasks_.push_back(coir::spawn([this, name] {
      std::shared_lock lock(m);
      order += name;
      go_on.wait();
    }));
    coir::this_fiber::yield();
  }
  void writes(const std::string& name) {
    tasks_.push_back(coir::spawn([this, name] {
      std::lock_guard lock(m);
      order += name;
    }));
    coir::this_fiber::yield();
  }
  void end() {
    go_on.set();
    for (auto& task : tasks_) task.join();
  }

  coir::shared_timed_mutex m;
  coir::event go_on;
  std::string order;

 private:
  std::vector<coir::task<void>> tasks_;
};

TEST_F(SharedMutexOrder, FirstComeFirstServedAndReadersInARowTogether) {
  coir::run([&] {
    m.lock();
    reads("a");
    reads("b");
    writes("C");
    reads("d");
    EXPECT_EQ(order, "");
    m.unlock();
    coir::this_fiber::yield();
    EXPECT_EQ(order, "ab");
    EXPECT_FALSE(m.try_lock_shared()) << "overtook a writer";
    end();
    EXPECT_EQ(order, "abCd");
  });
}

TEST_F(SharedMutexOrder, ReadersThatKeepComingDoNotStarveAWriter) {
  coir::run([&] {
    bool end_of_readers = false;
    int reads = 0;
    std::vector<coir::task<void>> readers;
    for (int i = 0; i < 3; ++i)
      readers.push_back(coir::spawn([&] {
        while (!end_of_readers) {
          std::shared_lock lock(m);
          coir::this_fiber::yield();
          ++reads;
        }
      }));
    for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
    int before = reads;
    m.lock();
    EXPECT_LE(reads, before + 3);
    m.unlock();
    end_of_readers = true;
    for (auto& t : readers) t.join();
  });
}

TEST_F(SharedMutexOrder, WritersThatKeepComingDoNotStarveAReader) {
  coir::run([&] {
    bool end_of_writers = false;
    int written = 0;
    std::vector<coir::task<void>> writers;
    for (int i = 0; i < 3; ++i)
      writers.push_back(coir::spawn([&] {
        while (!end_of_writers) {
          std::lock_guard lock(m);
          coir::this_fiber::yield();
          ++written;
        }
      }));
    for (int i = 0; i < 10; ++i) coir::this_fiber::yield();
    int before = written;
    m.lock_shared();
    EXPECT_LE(written, before + 3);
    m.unlock_shared();
    end_of_writers = true;
    for (auto& t : writers) t.join();
  });
}

TEST_F(SharedMutexOrder, AWriterThatGivesUpLetsThoseBehindItRead) {
  coir_test::virtual_time clock;
  coir::run([&] {
    m.lock_shared();
    auto writer = coir::spawn([&] { EXPECT_FALSE(m.try_lock_for(1s)); });
    coir::this_fiber::yield();
    reads("a");
    reads("b");
    EXPECT_EQ(order, "");
    coir::this_fiber::sleep_for(2s);
    EXPECT_EQ(order, "ab");
    EXPECT_TRUE(m.try_lock_shared());
    m.unlock_shared();
    end();
    m.unlock_shared();
    writer.join();
  });
}

TEST(SharedMutexCancellation, LockingIsNoCancellationPoint) {
  int locked = 0, told = 0;
  coir::shared_mutex m;
  coir::run([&] {
    coir::spawn([&] {
      std::lock_guard guard(m);
      EXPECT_THROW(coir::this_fiber::sleep_for(1h), coir::cancelled);
      for (int i = 0; i < 3; ++i) coir::this_fiber::yield();
      EXPECT_EQ(locked, 0);
    });
    for (int i = 0; i < 4; ++i)
      coir::spawn([&, i] {
        if (i % 2 == 0) {
          std::lock_guard guard(m);
          ++locked;
        } else {
          std::shared_lock guard(m);
          ++locked;
        }
        EXPECT_THROW(coir::this_fiber::cancellation_point(), coir::cancelled);
        ++told;
      });
    coir::this_fiber::yield();
  });
  EXPECT_EQ(locked, 4);
  EXPECT_EQ(told, 4);
}

using SharedMutexDeadlock = coir_test::deadlock_test;
TEST_F(SharedMutexDeadlock, WhatNobodyCanUnlockThrows) {
  coir::shared_mutex m;
  EXPECT_THROW(coir::run([&] {
                 std::shared_lock reading(m);
                 m.lock();
               }),
               coir::deadlock);
  EXPECT_THROW(coir::run([&] {
                 std::lock_guard writing(m);
                 coir::spawn([&] { m.lock_shared(); }).get();
               }),
               coir::deadlock);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

}  // namespace
