// refusal.cpp - why there is no stack, in a sentence that says what to change.
// SPDX-License-Identifier: BSL-1.0
#include "stack/refusal.hpp"

#include <cerrno>
#include <string>
#include <system_error>

namespace coir {
inline namespace v1 {
namespace {

const char* advice(refusal why) noexcept {
  switch (why) {
    case refusal::locked_memory:
      return "memory is locked and its limit reached: raise ulimit -l, or lock with MCL_ONFAULT";
    case refusal::no_guard:
      return "the mappings left for guards are used up: raise vm.max_map_count, or ask for "
             "guard_size 0";
    default:
      return "no address space is left: raise ulimit -v, or, where vm.overcommit_memory is 2, the "
             "commit limit";
  }
}

}  // namespace

void throw_refusal(refusal why, const stack_options& asked) {
  throw std::system_error(ENOMEM, std::generic_category(),
                          "coir::stack: no stack of " + std::to_string(asked.size) +
                              " bytes with a guard of " + std::to_string(asked.guard_size) + ": " +
                              advice(why));
}

}  // namespace v1
}  // namespace coir
