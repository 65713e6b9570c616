// engine.hpp - explores every interleaving of a few small threads, stale loads included.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace coir_model {

// A model is a function that makes shared state and threads; it is run again for each interleaving:
//
//     report r = explore({"a lock"}, [](execution& e) {
//       auto s = std::make_shared<state>();
//       e.thread([s] { s->lock.lock(); s->counter.set(1); s->lock.unlock(); });
//       e.thread(...);
//       e.finally([s] { require(s->counter.get() == 2, "both have counted"); });
//     });
//
// Threads run one at a time and change places before each operation on a coir_model::atomic. What a
// thread does between two of them must depend on nothing but what it read.
//
// Memory    Every atomic keeps all values that were stored, in the order of the stores. A load may
//           read any of them that is not older than one the thread knows of: read or written by
//           itself, or before a release that it acquired. So a store seems to be delayed, as by a
//           store buffer, and loads to be reordered, as the memory orders permit.
//           Read-modify-writes read the last value. A sequentially consistent load is not older
//           than the last sequentially consistent store. Not modelled: loads of what is stored
//           later.
// Order     Vector clocks say what happens before what. An access to a `plain` that is not ordered
//           with another one fails, and so does the end of an atomic that somebody may still touch.
// Explored  All interleavings, depth first; those that differ only in the order of independent
//           operations once (sleep sets).
// Fails     where require() does, a race, all threads blocked, or one that spins for ever.
struct options {
  const char* name;
  std::uint64_t most_executions = 2'000'000;
};

struct report {
  bool failed = false;
  bool complete = false;  // everything was explored
  std::uint64_t executions = 0;
  std::string text;  // what failed, and the steps that led there
};

class execution {
 public:
  void thread(std::function<void()> body);

  // Run after the end of all threads, which is before it.
  void finally(std::function<void()> check);
};

report explore(const options& how, const std::function<void(execution&)>& model);

// Fails the execution.
void require(bool condition, const char* sentence);

// Where a thread spins: it goes on when another has stored something, and then sees it.
void yield();

// What the calling model thread has in place of a thread_local.
void*& thread_worker();

// The operations that atomic.hpp is made of.

// One atomic variable. Known to the engine from its first use in an execution to its end.
struct cell {
  std::uint64_t value;
  std::uint32_t execution = 0;
  std::uint32_t location = 0;
};

std::uint64_t load(cell& at, std::memory_order order);
void store(cell& at, std::uint64_t value, std::memory_order order);

// Replaces the value by change(value, argument); returns the old one.
using change = std::uint64_t (*)(std::uint64_t value, std::uint64_t argument);
std::uint64_t modify(cell& at, change how, std::uint64_t argument, std::memory_order order);

// Whether `expected` was there; what was there is stored in it.
bool compare_exchange(cell& at, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure);

// Waits until `value` is there, and acquires it.
void await(cell& at, std::uint64_t value);

void end(cell& at);
void name(cell& at, const char* text);

// A full barrier in each thread, one after the other, by one of them: membarrier.
void fence_everywhere();

// The system's futex: sleeps while `value` is there; false when the time was up, which may be any
// time if `timed`.
bool futex_wait(cell& at, std::uint64_t value, bool timed);
void futex_wake(cell& at);

// The clocks of a plain variable.
struct plain_clocks {
  static constexpr int threads = 6;
  std::uint32_t execution = 0;
  int writer = 0;
  std::uint32_t written = 0;
  std::uint32_t read[threads] = {};
};
void plain_read(plain_clocks& at, const char* what);
void plain_write(plain_clocks& at, const char* what);

}  // namespace coir_model
