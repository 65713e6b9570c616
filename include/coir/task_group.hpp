// task_group.hpp - tasks that do not outlive a block, and fail together.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancel_scope.hpp>
#include <coir/end_watcher.hpp>
#include <coir/outcome.hpp>
#include <coir/spawn.hpp>
#include <coir/task.hpp>
#include <coir/task_group_error.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace coir {
inline namespace v1 {

// Structured concurrency.
//
//     coir::task_group g;
//     for (auto& url : urls) g.spawn(fetch, url);
//     g.join();                                  // all have ended; throws if one failed
//
// The first task that fails cancels the others; a cancelled one is no failure. Groups nest, and one
// may be handed to helpers and to its own tasks, on any thread, to spawn into.
//
// Closing    once join() has returned, or a task has failed, or after cancel(): spawn() throws
//            std::logic_error.
// Blocking   join() and the destructor suspend the fiber, or block the plain thread, until all
//            tasks have ended. The destructor does that whatever happens; in the course of an
//            exception it cancels them first. Failures that no join() has thrown are reported as
//            unhandled.
// Cancelled  a fiber that is asked to end before or while it waits in join(): the tasks are
//            cancelled as well, and waited for.
// Throws     join(): task_group_error with all failures, and then the request stays; else
//            cancelled; std::system_error (resource_deadlock_would_occur) from one of its own
//            tasks.
class task_group {
 public:
  task_group() noexcept : exceptions_(std::uncaught_exceptions()) {}
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  ~task_group();

  template <class F, class... Args>
  requires(spawnable<F, Args...>) auto spawn(F&& f, Args&&... args) {
    return spawn_member(nullptr, std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  requires(spawnable<F, Args...>) auto spawn(const spawn_options& options, F&& f, Args&&... args) {
    return spawn_member(&options, std::forward<F>(f), std::forward<Args>(args)...);
  }

  void join();

  // Asks all tasks to end. From any thread.
  void cancel() noexcept;

  // Engine level, for with_task_group(): the calls of a body, which are cancelled as the tasks are.
  class body {
   public:
    explicit body(task_group& of);
    body(const body&) = delete;
    body& operator=(const body&) = delete;
    ~body();

   private:
    task_group& group_;
    std::optional<cancel_scope> scope_;
  };
  // In a handler of what left the body: cancels the tasks and keeps a failure, to be thrown by
  // join(); waits for the tasks and throws where the body was asked to end from outside.
  void end_body();
  bool ended_by_group(const scope_cancelled& c) const noexcept { return body_scope_ == &c.scope(); }

 private:
  struct member;

  template <class... Args>
  auto spawn_member(const spawn_options* options, Args&&... args) {
    member_place place = admit();
    try {
      auto made = spawn_in(nullptr, options, std::forward<Args>(args)...);
      add(std::move(place), made);
      return made;
    } catch (...) {
      withdraw();
      throw;
    }
  }
  using member_place = std::unique_ptr<member, void (*)(member*)>;
  member_place admit();
  void withdraw() noexcept;
  void add(member_place place, const any_task& made) noexcept;
  waiter* note(member& m) noexcept;
  bool is_over() const noexcept {
    return live_.empty() && asked_.empty() && entering_ == 0 && asking_ == 0;
  }
  waiter* ask_all() noexcept;
  bool wait_for_all();
  void drop_ended() noexcept;
  void keep_body_error();
  void refuse_own_tasks();
  std::vector<std::exception_ptr> take_errors();

  // Members in a line, linked both ways.
  struct member_list {
    member* first = nullptr;
    member* last = nullptr;
    bool empty() const noexcept { return first == nullptr; }
    void push_back(member& m) noexcept;
    void remove(member& m) noexcept;
  };

  const int exceptions_;  // in flight when it was made
  const cancel_scope* body_scope_ = nullptr;
  std::exception_ptr body_error_;
  std::size_t failed_before_body_ = 0;

  spinlock lock_;  // guards what follows
  wait_list waiters_;
  member_list live_;          // have not ended
  member_list asked_;         // likewise, and have been asked to
  member_list ended_;         // to be given back
  member_list failed_;        // likewise, by join()
  std::size_t entering_ = 0;  // admitted, and not yet in live_
  std::size_t asking_ = 0;    // threads in ask_all(): it is not over, and nothing is given back
  bool aborting_ = false;
  bool closed_ = false;
  cancel_scope* scope_ = nullptr;  // of the body, while it runs
};

// Calls f(g) with a group g, waits for its tasks, and returns what f returned.
//
//     coir::with_task_group([&](coir::task_group& g) {
//       for (auto& url : urls) g.spawn(fetch, url);
//     });
//
// As asyncio's `async with TaskGroup()`: a task that fails cancels f as well, and what f throws is
// one of the errors of the group. A cancellation or timeout from outside passes unchanged, once the
// tasks have ended; but where tasks fail in the course of it they are thrown, and who was cancelled
// is told again at the next cancellation point.
//
// Throws  task_group_error; cancelled; timed_out of a timeout_scope around it.
template <class F>
requires(std::is_invocable_v<F, task_group&>) auto with_task_group(F&& f) {
  using result = std::invoke_result_t<F, task_group&>;
  task_group g;
  std::optional<kept_result<std::decay_t<result>>> value;
  try {
    task_group::body body(g);
    if constexpr (std::is_void_v<result>) {
      std::invoke(std::forward<F>(f), g);
    } else {
      value.emplace(std::invoke(std::forward<F>(f), g));
    }
  } catch (const scope_cancelled& c) {
    if (!g.ended_by_group(c)) g.end_body();
  } catch (...) {
    g.end_body();
  }
  g.join();
  if constexpr (!std::is_void_v<result>) return *std::move(value);
}

}  // namespace v1
}  // namespace coir
