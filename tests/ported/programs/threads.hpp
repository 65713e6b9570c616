// threads.hpp - what the programs here are written against: STD is std, or coir.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#if PORTED
#include <coir/atomic.hpp>
#include <coir/barrier.hpp>
#include <coir/condition_variable.hpp>
#include <coir/future.hpp>
#include <coir/latch.hpp>
#include <coir/mutex.hpp>
#include <coir/semaphore.hpp>
#include <coir/shared_mutex.hpp>
#include <coir/stop_token.hpp>
#include <coir/thread.hpp>
#else
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <future>
#include <latch>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <stop_token>
#include <thread>
#endif

#include <cstdlib>

// How many threads a program is to start: its first argument, or eight.
inline int threads_wanted(int argc, char** argv) {
  return argc > 1 ? std::atoi(argv[1]) : 8;
}
