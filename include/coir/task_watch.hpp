// task_watch.hpp - waits for the ends of several tasks, whatever their results.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/deadline.hpp>
#include <coir/end_watcher.hpp>
#include <coir/spinlock.hpp>
#include <coir/task.hpp>
#include <coir/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace coir {
inline namespace v1 {

// Engine level: what gather, wait, as_completed and race have in common.
//
// Lifetime  of one call, on the caller's stack; the tasks outlive it, and so do the members, which
//           lie where the caller wants them.
class task_watch {
 public:
  enum class until : std::uint8_t {
    one_ended,   // one that take_ended() has not given yet
    one_threw,   // or all have ended; a cancellation is no exception
    one_failed,  // or all have ended
    all_ended,
    unshielded_ended  // all but the shielded
  };

  // One of the tasks.
  class member final : public end_watcher {
   public:
    member() noexcept : end_watcher(told::under_lock) {}
    fiber& task() const noexcept { return *task_; }
    bool has_ended() const noexcept { return ended_; }  // as far as the watch has been told

   private:
    friend task_watch;
    waiter* ended(fiber&) noexcept override { return watch_->note(*this); }

    fiber* task_ = nullptr;
    task_watch* watch_ = nullptr;
    bool shielded_ = false;
    bool ended_ = false;      // under the watch's lock, as the next
    member* next_ = nullptr;  // in the order of the ends
  };

  task_watch(std::span<member> members, until when) noexcept : members_(members), until_(when) {}
  task_watch(const task_watch&) = delete;
  task_watch& operator=(const task_watch&) = delete;
  ~task_watch() { leave_all(); }

  // Each member once, in order; all of them before the first wait. Throws std::logic_error for a
  // handle without a task.
  void add(const any_task& t, bool shielded = false);

  // Waits; false where the deadline came first. A cancellation point.
  bool wait(deadline end);

  // The next one that has ended, first ended first; null where there is none.
  member* take_ended() noexcept;

  // For gather(), until one failed, and gather_settled(), until all have ended. A request to end is
  // handed on, as by wait_handing_on(). Throws the first failure, if it is that which was waited
  // for; what this fiber was asked, where a task has been cancelled by it or not all have ended.
  void settle();

  // Waits for the first one, ends the others but the shielded, and throws if the first one failed.
  member& race();

 private:
  // As wait(), and a request to end is handed on to all tasks that are not shielded, and the end of
  // all of these is waited for. Whether that was so; the request stays.
  bool wait_handing_on();
  void throw_failure(bool handed_on);
  void throw_if_answered(bool handed_on);
  waiter* note(member& m) noexcept;
  void ignore_failures() noexcept;
  void add_ended(member& m) noexcept;
  bool is_over() const noexcept;
  wait_outcome wait_once(deadline end);
  void end_unshielded();
  void leave_all() noexcept;

  const std::span<member> members_;
  std::size_t added_ = 0;

  spinlock lock_;  // guards what follows; taken under the locks of fibers
  until until_;
  wait_list waiters_;
  std::size_t left_ = 0;           // have not ended
  std::size_t shielded_left_ = 0;  // of these
  member* first_ended_ = nullptr;
  member* last_ended_ = nullptr;
  member* failed_ = nullptr;  // the first of those that count as failed
};

}  // namespace v1
}  // namespace coir
