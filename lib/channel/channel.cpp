// channel.cpp - what channels do out of line, whatever they carry.
// SPDX-License-Identifier: BSL-1.0
#include <coir/channel_queue.hpp>

#include "base/assert.hpp"

namespace coir {
inline namespace v1 {

channel_closed::~channel_closed() = default;

void throw_channel_closed() {
  throw channel_closed();
}

channel_state::~channel_state() {
  if (!receivers.empty() || !senders.empty())
    abort_with("a channel is destroyed while somebody waits on it");
}

waiter* channel_state::close() noexcept {
  waiter* decided = nullptr;
  if (std::exchange(closed, true)) return decided;
  buffer.stop_pushing();
  waiter** end = &decided;
  auto decide_all = [&end](wait_list& list) {
    while (waiter* w = list.pop()) {
      *end = w;
      end = &w->next;
    }
  };
  decide_all(receivers);
  waiter** first_sender = end;
  decide_all(senders);
  *end = nullptr;
  for (waiter* w = *first_sender; w != nullptr; w = w->next) w->slot = nullptr;
  return decided;
}

void channel_state::resume_all(waiter* decided) noexcept {
  while (decided != nullptr) std::exchange(decided, decided->next)->resume();
}

}  // namespace v1
}  // namespace coir
