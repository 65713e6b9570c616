// sanitizer.hpp - tells AddressSanitizer and ThreadSanitizer about every stack and every switch.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/config.hpp>

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) != COIR_ASAN || __has_feature(thread_sanitizer) != COIR_TSAN
#error \
    "coir was configured for other sanitizers: build coir with the -fsanitize flags of this program"
#endif
#elif defined(__SANITIZE_ADDRESS__) != COIR_ASAN || defined(__SANITIZE_THREAD__) != COIR_TSAN
#error \
    "coir was configured for other sanitizers: build coir with the -fsanitize flags of this program"
#endif

#if COIR_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if COIR_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace coir {
inline namespace v1 {

// Whether a switch orders what came before it in one computation with what comes after it in the
// other, for ThreadSanitizer's eyes. A generator hands values over by its switch: ordered. A
// scheduler's switch is a coincidence, and calling it an order would hide every race: unordered.
enum class switch_order : unsigned char { ordered, unordered };

// The same for the last switch of a computation, which returns it: nothing at all when nobody asks,
// so that what is returned fits two registers.
class departure_order {
 public:
  constexpr departure_order([[maybe_unused]] switch_order order = switch_order::ordered) noexcept
#if COIR_TSAN
      : order_(order)
#endif
  {
  }
  constexpr operator switch_order() const noexcept {
#if COIR_TSAN
    return order_;
#else
    return switch_order::ordered;
#endif
  }

#if COIR_TSAN
 private:
  switch_order order_;
#endif
};

// The hooks that a context carries. They are called in this order, and do nothing when off:
//
//     begin()      a computation was made on a stack
//     leaving()    right before the switch, on the side that leaves; nothing instrumented follows
//     arrived()    first thing after the switch, on the side that arrives
//     leaving_for_good()   in place of leaving(), when the computation will never be resumed
//     end()        the computation's header goes; another computation runs
class switch_hooks {
 public:
  [[gnu::always_inline]] void begin([[maybe_unused]] const std::byte* limit,
                                    [[maybe_unused]] std::size_t size) noexcept {
#if COIR_ASAN
    bottom_ = limit;
    size_ = size;
#endif
#if COIR_TSAN
    fiber_ = __tsan_create_fiber(0);
    owned_ = true;
#endif
  }

  [[gnu::always_inline]] void end() noexcept {
#if COIR_TSAN
    if (owned_) __tsan_destroy_fiber(fiber_);
    owned_ = false;
#endif
  }

  [[gnu::always_inline]] void leaving([[maybe_unused]] switch_hooks& to,
                                      [[maybe_unused]] switch_order order) noexcept {
#if COIR_ASAN
    __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.size_);
#endif
#if COIR_TSAN
    if (!owned_) fiber_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to.fiber_,
                           order == switch_order::unordered ? __tsan_switch_to_fiber_no_sync : 0);
#endif
  }

  [[gnu::always_inline]] void leaving_for_good([[maybe_unused]] switch_hooks& to,
                                               [[maybe_unused]] switch_order order) noexcept {
#if COIR_ASAN
    __sanitizer_start_switch_fiber(nullptr, to.bottom_, to.size_);
#endif
#if COIR_TSAN
    __tsan_switch_to_fiber(to.fiber_,
                           order == switch_order::unordered ? __tsan_switch_to_fiber_no_sync : 0);
#endif
  }

  // `resumer` learns the bounds of the stack it left: a plain thread knows them from nobody else.
  [[gnu::always_inline]] void arrived([[maybe_unused]] switch_hooks& resumer) noexcept {
#if COIR_ASAN
    __sanitizer_finish_switch_fiber(fake_stack_, &resumer.bottom_, &resumer.size_);
    fake_stack_ = nullptr;
#endif
  }

#if COIR_ASAN
 private:
  void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
#endif
#if COIR_TSAN
 private:
  void* fiber_ = nullptr;
  bool owned_ = false;
#endif
};

// An order that no atomic shows to ThreadSanitizer, because it is that of one thread: what came
// before order_before(x) in one fiber comes before what follows order_after(x) in another.
[[gnu::always_inline]] inline void order_before([[maybe_unused]] const void* what) noexcept {
#if COIR_TSAN
  __tsan_release(const_cast<void*>(what));
#endif
}
[[gnu::always_inline]] inline void order_after([[maybe_unused]] const void* what) noexcept {
#if COIR_TSAN
  __tsan_acquire(const_cast<void*>(what));
#endif
}

}  // namespace v1
}  // namespace coir
