// context_boost.cpp - how a computation begins and ends on Boost.Context.
// SPDX-License-Identifier: BSL-1.0
#include <coir/context_boost.hpp>

#if COIR_HAS_BOOST

namespace coir {
inline namespace v1 {

void boost_context::start(coir_boost_transfer first) noexcept {
  boost_context& self = *static_cast<parcel*>(first.data)->to;
  arrival begun = self.arrive(first);
  departure next = self.body_(self, *begun.resumer, begun.word);
  parcel last{&self, next.to, next.word};
  self.hooks_.leaving_for_good(next.to->hooks_, next.order);
  coir_boost_jump(next.to->handle_, &last);
  __builtin_unreachable();
}

}  // namespace v1
}  // namespace coir

#endif
