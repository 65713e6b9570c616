// prepare.cpp - what is made once in a process, ahead of the threads that need it.
// SPDX-License-Identifier: BSL-1.0
#include "stack/prepare.hpp"

#include "stack/alternate_stack.hpp"
#include "stack/guard.hpp"
#include "stack/mapping.hpp"
#include "stack/size_class.hpp"
#include "stack/stack_cache.hpp"

namespace coir {
inline namespace v1 {

void prepare_stacks() noexcept {
  page_size();
  light_guards();
  size_class::prepare();
  stack_cache::prepare();
  prepare_alternate_stacks();
}

}  // namespace v1
}  // namespace coir
