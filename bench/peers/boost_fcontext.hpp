// boost_fcontext.hpp - Boost.Context's jump_fcontext, called directly.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../shapes.hpp"

#include <boost/context/detail/fcontext.hpp>

namespace bench {

struct boost_fcontext {
  using handle = boost::context::detail::fcontext_t;
  using transfer = boost::context::detail::transfer_t;

  class link {
   public:
    explicit link(handle other) : other_(other) {}
    [[gnu::always_inline]] void swap() {
      other_ = boost::context::detail::jump_fcontext(other_, nullptr).fctx;
    }

   private:
    handle other_;
  };

  template <class Body>
  static void enter(transfer from) {
    link back{from.fctx};
    Body{}(back);
  }

  template <class Body>
  static handle make(coir::stack& stack) {
    return boost::context::detail::make_fcontext(stack.top(), stack.size(), &enter<Body>);
  }

  template <class Body>
  class pair {
   public:
    link begin() { return link{make<Body>(stack_)}; }

   private:
    coir::stack stack_{coir::stack_options{.size = stack_size}};
  };

  struct home {};

  // The handles stand in the array themselves, so that none is looked up in cold memory.
  template <class Body>
  class party {
   public:
    explicit party(const std::vector<std::uint32_t>& order) : stacks_(order.size()) {
      line_.reserve(order.size() + lookahead);
      for (std::uint32_t number : order) line_.push_back(make<Body>(stacks_[number]));
      for (std::size_t i = 0; i < lookahead; ++i) line_.push_back(nullptr);
    }
    handle* line() { return line_.data(); }

   private:
    stacks stacks_;
    std::vector<handle> line_;
  };

  template <class Body>
  [[gnu::always_inline]] static void prefetch(const handle* at) {
    const auto* frame = static_cast<const char*>(at[lookahead / 2]);
    __builtin_prefetch(frame, 1);
    __builtin_prefetch(frame + 64, 1);
  }

  [[gnu::always_inline]] static void resume(home&, handle& to) {
    to = boost::context::detail::jump_fcontext(to, nullptr).fctx;
  }
};

}  // namespace bench
