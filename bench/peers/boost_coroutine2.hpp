// boost_coroutine2.hpp - Boost.Coroutine2 on pooled stacks.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../harness.hpp"

#include <boost/coroutine2/coroutine.hpp>
#include <boost/coroutine2/pooled_fixedsize_stack.hpp>

namespace bench {

struct boost_coroutine2 {
  template <class Value>
  using pull = typename boost::coroutines2::coroutine<Value>::pull_type;
  template <class Value>
  using push = typename boost::coroutines2::coroutine<Value>::push_type;

  // Copies share one pool.
  using pool = boost::coroutines2::pooled_fixedsize_stack;
  static pool make_pool() { return pool{stack_size}; }
};

}  // namespace bench
