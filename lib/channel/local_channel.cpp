// local_channel.cpp - who may use a local_channel.
// SPDX-License-Identifier: BSL-1.0
#include <coir/local_channel.hpp>

#include <stdexcept>

#include "sched/runtime_core.hpp"
#include "sched/worker_core.hpp"

namespace coir {
inline namespace v1 {

void local_door::bind(worker* here) {
  if (here == nullptr || here->current == nullptr)
    throw std::logic_error("coir: a local_channel is used outside of any fiber");
  if (owner_ != nobody() && owner_ != here)
    throw std::logic_error("coir: a local_channel is used on two workers");
  bool alone = worker_core::of(*here).runtime.workers() == 1;
  if (!alone && !here->current->pinned)
    throw std::logic_error(
        "coir: a local_channel is used by a fiber that is not pinned, in a runtime of several "
        "workers");
  owner_ = here;
  if (alone) alone_ = here;
}

}  // namespace v1
}  // namespace coir
