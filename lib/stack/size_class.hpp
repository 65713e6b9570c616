// size_class.hpp - all stacks of one shape: cuts them, keeps the free ones, cleans the cold ones.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stack/free_slots.hpp"
#include "stack/refusal.hpp"
#include "stack/reservation.hpp"
#include "stack/shape.hpp"
#include "stack/stack_bin.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace coir {
inline namespace v1 {

// Where a slot is, and how it moves:
//
//     not cut --cut--> in use --push--> in a bin --drain--> warm --clean--> clean
//                        ^                 |                 |                |
//                        +------pop--------+<-----------------refill----------+
//
// cut, drain, refill and clean are the class's, under its mutex; push and pop are the thread's own.
// No slot is ever unmapped: the address space of the busiest moment stays reserved.
class size_class {
 public:
  // The one of that shape. Throws std::bad_alloc. Lives for ever.
  static size_class& of(const stack_shape& shape);

  const stack_shape& shape() const noexcept { return shape_; }

  // A bin is known to its class from adopt() to retire(), which drains it first.
  void adopt(stack_bin& bin) noexcept;
  void retire(stack_bin& bin) noexcept;

  struct taken {
    stack_slot* slot;  // null: see why
    refusal why;
  };

  // One slot for the caller and, where there are free ones, half a bin of them. The bin is empty.
  [[nodiscard]] taken refill(stack_bin& bin) noexcept;

  // Moves the oldest slots out of the bin; the `keep` youngest stay.
  void drain(stack_bin& bin, std::uint32_t keep) noexcept;

  // The same for a thread that has no bin.
  [[nodiscard]] taken take() noexcept;
  void give(stack_slot* slot) noexcept;

  // Cleans all that are warm.
  void trim() noexcept;
  static void trim_all() noexcept;

  static void count_all(stack_statistics& total) noexcept;

  // Makes the registry of them.
  static void prepare() noexcept;

  // All classes at once, and their registry: nobody changes one between the two.
  static void lock_all() noexcept;
  static void unlock_all() noexcept;

 private:
  explicit size_class(const stack_shape& shape) noexcept;
  size_class(const size_class&) = delete;
  size_class& operator=(const size_class&) = delete;

  struct victims;

  taken take_locked() noexcept;
  refusal grow() noexcept;
  void clean(const victims& cold) noexcept;
  void count(stack_statistics& total) noexcept;

  // Written once.
  const stack_shape shape_;
  const std::uint32_t bin_limit_;
  const std::size_t warm_limit_;
  size_class* next_class_ = nullptr;  // made before this one

  std::mutex mutex_;

  // Under mutex_.
  free_slots free_;
  reservation* newest_ = nullptr;
  std::size_t cut_ = 0;          // slots that were ever handed out
  std::size_t being_clean_ = 0;  // on their way from warm to clean
  std::size_t reserved_ = 0;     // slots, cut or not
  std::size_t reserved_bytes_ = 0;
  std::size_t reservations_ = 0;
  stack_bin* bins_ = nullptr;
};

}  // namespace v1
}  // namespace coir
