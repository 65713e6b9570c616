// ucontext.hpp - the C library's swapcontext, called directly.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../shapes.hpp"

#include <ucontext.h>

#include <memory>

namespace bench {

struct ucontext {
  class link {
   public:
    link(ucontext_t& self, ucontext_t& other) : self_(&self), other_(&other) {}
    [[gnu::always_inline]] void swap() { swapcontext(self_, other_); }

   private:
    ucontext_t* self_;
    ucontext_t* other_;
  };

  // makecontext passes ints only, so the pointer to the pair goes in two halves.
  struct both {
    ucontext_t here;
    ucontext_t there;
  };

  template <class Body>
  static void enter(unsigned int high, unsigned int low) {
    std::uintptr_t address = (static_cast<std::uintptr_t>(high) << 32) | low;
    both& pair = *reinterpret_cast<both*>(address);
    link back{pair.there, pair.here};
    Body{}(back);
  }

  template <class Body>
  static void make(both& pair, coir::stack& stack) {
    getcontext(&pair.there);
    pair.there.uc_stack.ss_sp = stack.limit();
    pair.there.uc_stack.ss_size = stack.size();
    pair.there.uc_link = nullptr;
    auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&pair));
    makecontext(&pair.there, reinterpret_cast<void (*)()>(&enter<Body>), 2,
                static_cast<unsigned int>(address >> 32), static_cast<unsigned int>(address));
  }

  template <class Body>
  class pair {
   public:
    link begin() {
      make<Body>(both_, stack_);
      return {both_.here, both_.there};
    }

   private:
    coir::stack stack_{coir::stack_options{.size = stack_size}};
    both both_;
  };

  struct home {};

  template <class Body>
  class party {
   public:
    explicit party(const std::vector<std::uint32_t>& order)
        : stacks_(order.size()), pairs_(new both[order.size()]) {
      for (std::size_t i = 0; i < order.size(); ++i) make<Body>(pairs_[i], stacks_[i]);
      for (std::uint32_t number : order) line_.push_back(&pairs_[number]);
    }
    both** line() { return line_.data(); }

   private:
    stacks stacks_;
    std::unique_ptr<both[]> pairs_;
    std::vector<both*> line_;
  };

  template <class Body>
  [[gnu::always_inline]] static void prefetch(both**) {}

  [[gnu::always_inline]] static void resume(home&, both* to) { swapcontext(&to->here, &to->there); }
};

}  // namespace bench
