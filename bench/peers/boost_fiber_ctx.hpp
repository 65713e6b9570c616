// boost_fiber_ctx.hpp - boost::context::fiber, on stacks that are handed to it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../shapes.hpp"

#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>

#include <memory>
#include <new>
#include <utility>

namespace bench {

struct boost_fiber_ctx {
  using fiber = boost::context::fiber;

  class link {
   public:
    explicit link(fiber&& other) : other_(std::move(other)) {}
    [[gnu::always_inline]] void swap() { other_ = std::move(other_).resume(); }

   private:
    fiber other_;
  };

  // A stack that outlives its fiber.
  struct borrowed {
    boost::context::stack_context allocate() { return {}; }
    void deallocate(boost::context::stack_context&) noexcept {}
  };

  template <class Body>
  static fiber make(coir::stack& stack) {
    boost::context::stack_context lent;
    lent.sp = stack.top();
    lent.size = stack.size();
    return fiber{std::allocator_arg, boost::context::preallocated{lent.sp, lent.size, lent},
                 borrowed{}, [](fiber&& from) {
                   link back{std::move(from)};
                   Body{}(back);
                   return fiber{};
                 }};
  }

  template <class Body>
  class pair {
   public:
    link begin() { return link{make<Body>(stack_)}; }

   private:
    coir::stack stack_{coir::stack_options{.size = stack_size}};
  };

  struct home {};

  // The fibers stand in the array themselves. They are dropped, not destroyed: that would resume
  // each to unwind it.
  template <class Body>
  class party {
   public:
    explicit party(const std::vector<std::uint32_t>& order)
        : stacks_(order.size()), line_(std::allocator<fiber>{}.allocate(order.size())) {
      for (std::size_t i = 0; i < order.size(); ++i) {
        std::construct_at(line_ + i, make<Body>(stacks_[order[i]]));
      }
      size_ = order.size();
    }
    party(const party&) = delete;
    party& operator=(const party&) = delete;
    ~party() { std::allocator<fiber>{}.deallocate(line_, size_); }
    fiber* line() { return line_; }

   private:
    stacks stacks_;
    fiber* line_;
    std::size_t size_;
  };

  // A fiber does not tell where its stack is: there is nothing to prefetch.
  template <class Body>
  [[gnu::always_inline]] static void prefetch(const fiber*) {}

  [[gnu::always_inline]] static void resume(home&, fiber& to) { to = std::move(to).resume(); }
};

}  // namespace bench
