// run_blocking.hpp - calls that block a thread, made on threads that are kept for that.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/spawn.hpp>
#include <coir/task_result.hpp>
#include <coir/wait.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

class blocking_pool;
struct context_binding;

// Engine level: one call, on the stack of the fiber that waits for it.
//
//     queued ---> runs ---> over
//        |
//        '--> withdrawn, by the fiber, which was cancelled: it never runs
class blocking_job {
 public:
  blocking_job(const blocking_job&) = delete;
  blocking_job& operator=(const blocking_job&) = delete;

  // Has it made, and waits until it is over or withdrawn; on a fiber. Throws what it threw.
  void perform();

 protected:
  blocking_job() noexcept = default;
  ~blocking_job() = default;

 private:
  friend blocking_pool;

  virtual void call() = 0;  // on a thread of the pool

  context_binding* bindings_ = nullptr;  // the fiber's, of context_var

  // -- under the pool's lock
  enum class stage : unsigned char { queued, runs, over, withdrawn };
  stage stage_ = stage::queued;
  blocking_job* next_ = nullptr;  // in the queue
  blocking_job* previous_ = nullptr;
  wait_list waiting_;  // the fiber
  std::exception_ptr failure_;
};

template <class Result, class Call>
class blocking_call final : public blocking_job {
 public:
  explicit blocking_call(Call& call) noexcept : call_(call) {}
  ~blocking_call() = default;
  Result take() { return result_.take(); }

 private:
  void call() override { result_.fill(call_); }

  Call& call_;
  task_result<Result> result_;
};

// Calls f(args...) on a thread that may block, waits for its end and returns what it returns.
//
//     std::string page = coir::run_blocking(old_library_fetch, url);
//
// Arguments are handed on as they are: the caller waits, so they live long enough. On the other
// thread there is no current fiber, coir's waits block the thread, and a context_var has the value
// it has for the fiber. On a plain thread f is called right there.
//
// Blocking      suspends the fiber; its worker goes on. The virtual clock stands still meanwhile.
// Cancellation  a cancellation point. f has not started: it never does. It has: its end is waited
//               for, what it returns or throws is dropped, and then `cancelled` is thrown.
// Cost          some ten microseconds: two threads wake each other. Threads are made as they are
//               needed, four for each core and 32 at least, and never end; more calls than that
//               wait for their turn, first come, first served.
// Throws        what f throws; cancelled, deadlock; std::system_error where there is no thread yet
//               and none can be made.
template <class F, class... Args>
requires(std::invocable<F, Args...>) std::invoke_result_t<F, Args...> run_blocking(F&& f,
                                                                                   Args&&... args) {
  auto call = [&]() -> decltype(auto) {
    return std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
  };
  if (current_worker() == nullptr) return call();
  blocking_call<std::invoke_result_t<F, Args...>, decltype(call)> job(call);
  job.perform();
  return job.take();
}

// The same for a caller who does not wait: a fiber that does, and that calls f on copies.
//
//     auto a = coir::spawn_blocking(read_all, "a.txt");
//     auto b = coir::spawn_blocking({.name = "b"}, read_all, "b.txt");
//     use(a.get(), b.get());
template <class F, class... Args>
requires(spawnable<F, Args...>) auto spawn_blocking(const spawn_options& options, F&& f,
                                                    Args&&... args) {
  auto on_pool = [](auto&& own, auto&&... each) -> decltype(auto) {
    return run_blocking(std::move(own), std::move(each)...);
  };
  return spawn(options, on_pool, std::forward<F>(f), std::forward<Args>(args)...);
}

template <class F, class... Args>
requires(spawnable<F, Args...>) auto spawn_blocking(F&& f, Args&&... args) {
  return spawn_blocking(spawn_options{}, std::forward<F>(f), std::forward<Args>(args)...);
}

}  // namespace v1
}  // namespace coir
