// queue_core.hpp - who may put and who may get: what queues have in common, whatever they hold.
// SPDX-License-Identifier: BSL-1.0
// Budget: a put or a get that meets nobody takes the lock twice or once, for some ten instructions.
#pragma once

#include <coir/deadline.hpp>
#include <coir/spinlock.hpp>
#include <coir/wait_list.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace coir {
inline namespace v1 {

class waiter_chain;

// Where an item stands in a queue; its value lies behind.
struct queue_node {
  queue_node* next = nullptr;
};

enum class queue_order : std::uint8_t {
  first_in,  // the oldest item is the next
  last_in,   // the youngest
  elsewhere  // the items are kept, and chosen, by somebody else
};

// The way of an item. It is counted in one place at a time, and `maxsize` bounds the sum.
//
//             admit()           land()             claim()               take()
//     a place ------> coming_ ----+----> free_ ------------> promised_ ------> gone
//                        |        |                              ^
//              withdraw()|        +------------------------------'   a getter waits, and is woken
//                        v        '----> gone                        ... of a first_in queue: with
//                                                                    the item in its hands
//
// All that is the user's - moving, comparing, destroying values - is done between these steps and
// under no spinlock, by who puts or gets. So one who has waited finds a place that is kept for him,
// or an item that nobody else takes. Which item that is, is settled when he comes: who waits for
// the least one gets what is the least by then. A first_in queue hands its item over, so that those
// that wait get theirs in the order in which they came.
//
// After shut_down() nobody is admitted; those that are coming still land, and are waited for.
class queue_core {
 public:
  queue_core(queue_order order, std::size_t maxsize) noexcept : maxsize_(maxsize), order_(order) {}
  queue_core(const queue_core&) = delete;
  queue_core& operator=(const queue_core&) = delete;
  ~queue_core();  // aborts where somebody waits

  // A place for one more: true, and then land() or withdraw() follows. False where there is none
  // before `until`, or now. Throws queue_shutdown; the first is a cancellation point.
  bool admit(deadline until);
  bool try_admit();
  void withdraw() noexcept;

  // The item is there: `item`, or null if it is elsewhere. False if the queue has been emptied for
  // good: then the caller keeps it.
  bool land(queue_node* item) noexcept;

  // An item that nobody else takes: `item`, or null if take() is to get it. False where there is
  // none before `until`, or now. Throws queue_shutdown; the first is a cancellation point.
  bool claim(queue_node*& item, deadline until);
  bool try_claim(queue_node*& item);

  // What was claimed. Null if it is elsewhere; or is gone, where the queue has been emptied.
  queue_node* take() noexcept;
  // It was not taken.
  void disclaim() noexcept;

  // An item that was claimed and could not be used: the next to be taken. False as for land().
  bool give_back(queue_node& item) noexcept;

  void task_done();
  void join();

  // Nobody is admitted any more. If `empty`, what has landed is done with: the items that are
  // here, linked, are for the caller to destroy, and so are those elsewhere.
  queue_node* shut_down(bool empty) noexcept;

  // The items that are left, for the destructor.
  queue_node* left() const noexcept { return first_; }

  std::size_t size() const noexcept;
  bool full() const noexcept;
  std::size_t maxsize() const noexcept { return maxsize_; }

 private:
  struct party;

  // All under lock_.
  bool has_place() const noexcept {
    return maxsize_ == 0 || coming_ + free_ + promised_ < maxsize_;
  }
  bool drained() const noexcept { return shut_ && free_ == 0 && (coming_ == 0 || emptied_); }
  void push_front(queue_node& item) noexcept;
  void push_back(queue_node& item) noexcept;
  queue_node* pop_front() noexcept;
  void offer(queue_node* item, bool in_front, waiter_chain& woken) noexcept;
  void let_in(waiter_chain& woken) noexcept;
  void refuse(wait_list& list, waiter_chain& woken) noexcept;
  void finish(std::size_t items, waiter_chain& woken) noexcept;

  // With lock_, which they unlock.
  bool admit_now();
  bool claim_now(queue_node*& item);
  queue_node* take(std::unique_lock<spinlock>& guard) noexcept;

  mutable spinlock lock_;

  // -- under lock_
  const std::size_t maxsize_;  // 0: none
  std::size_t coming_ = 0;
  std::size_t free_ = 0;
  std::size_t promised_ = 0;
  std::size_t unfinished_ = 0;   // landed, and not marked as done
  queue_node* first_ = nullptr;  // the next to be taken
  queue_node* last_ = nullptr;   // where first_ is not null
  wait_list putters_;            // while there is a place, nobody waits here
  wait_list getters_;            // while there is a free item, nobody waits here
  wait_list joiners_;
  const queue_order order_;
  bool shut_ = false;
  bool emptied_ = false;
};

[[noreturn, gnu::cold]] void throw_queue_shutdown();

}  // namespace v1
}  // namespace coir
