// coir.hpp - coir's own contexts, as the shapes of shapes.hpp use them.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../shapes.hpp"

#include <coir/context.hpp>

#include <memory>

namespace bench {

enum class expand { in_line, as_call };

template <class Context, expand How = expand::in_line>
struct coir_peer {
  [[gnu::always_inline]] static typename Context::arrival go(Context& self, Context& to) {
    if constexpr (How == expand::as_call) {
      return Context::call_switch(self, to, nullptr);
    } else {
      return Context::switch_to(self, to, nullptr);
    }
  }

  // Self and resumer arrive in registers; a loop over swap() keeps them there.
  class link {
   public:
    link(Context& self, Context& other) : self_(&self), other_(&other) {}
    [[gnu::always_inline]] void swap() {
      typename Context::arrival a = go(*self_, *other_);
      self_ = a.self;
      other_ = a.resumer;
    }

   private:
    Context* self_;
    Context* other_;
  };

  template <class Body>
  static typename Context::departure enter(Context& self, Context& resumer, void*) {
    link back{self, resumer};
    Body{}(back);
    return {&resumer, nullptr};
  }

  template <class Body>
  class pair {
   public:
    link begin() { return {here_, there_}; }

   private:
    coir::stack stack_{coir::stack_options{.size = stack_size}};
    Context here_;
    Context there_{stack_.top(), stack_.limit(), &enter<Body>};
  };

  using home = Context;

  template <class Body>
  class party {
   public:
    explicit party(const std::vector<std::uint32_t>& order)
        : stacks_(order.size()), headers_(new header[order.size()]) {
      for (std::size_t i = 0; i < order.size(); ++i) {
        std::construct_at(&headers_[i].context, stacks_[i].top(), stacks_[i].limit(), &enter<Body>);
      }
      line_.reserve(order.size() + lookahead);
      for (std::uint32_t number : order) line_.push_back(&headers_[number].context);
      for (std::size_t i = 0; i < lookahead; ++i) line_.push_back(line_[i]);
    }
    Context* const* line() { return line_.data(); }

   private:
    union header {
      header() {}
      ~header() {}
      Context context;
    };

    stacks stacks_;
    std::unique_ptr<header[]> headers_;  // dense: a header apart from its stack's page
    std::vector<Context*> line_;
  };

  // A context that switches back at once touches nothing but its header.
  template <class Body>
  [[gnu::always_inline]] static void prefetch(Context* const* at) {
    __builtin_prefetch(at[lookahead - 1], 1);
    if constexpr (Body::deep && requires { at[0]->frame(); }) {
      const auto* sp = static_cast<const char*>(at[lookahead / 2]->frame().sp);
      __builtin_prefetch(sp, 1);
      __builtin_prefetch(sp + 64, 1);
    }
  }

  [[gnu::always_inline]] static void resume(Context& home, Context* to) { go(home, *to); }
};

#if COIR_HAS_ASM
using coir_asm = coir_peer<coir::asm_context>;
using coir_call = coir_peer<coir::asm_context, expand::as_call>;
#endif
#if COIR_HAS_BOOST
using coir_boost = coir_peer<coir::boost_context>;
#endif
#if COIR_HAS_UCONTEXT
using coir_ucontext = coir_peer<coir::ucontext_context>;
#endif

}  // namespace bench
