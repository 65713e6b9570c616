// pipeline.cpp - how the stages of a pipeline keep order, stop and end.
// SPDX-License-Identifier: BSL-1.0
#include <coir/pipeline_core.hpp>
#include <coir/spawn.hpp>

#include "base/assert.hpp"
#include "sched/fiber_end.hpp"

namespace coir {
inline namespace v1 {
namespace {

// Says that a sender has ended, however it did, and if it never began.
class sender {
 public:
  explicit sender(std::shared_ptr<pipeline_link_base> out) noexcept : out_(std::move(out)) {}
  sender(sender&&) noexcept = default;
  ~sender() {
    if (out_ != nullptr) out_->sender_ended();
  }

 private:
  std::shared_ptr<pipeline_link_base> out_;
};

// A request to end that comes meanwhile is kept for the next cancellation point.
void wait_for_end(fiber& f) noexcept {
  while (true) {
    waiter w("the end of a pipeline's stage");
    f.lock.lock();
    if (finished(f)) return f.lock.unlock();
    f.joiners.push_back(w);
    switch (wait(w, f.lock)) {
      case wait_outcome::success:
        return;
      case wait_outcome::deadlock:
        abort_with("a pipeline is destroyed, and nothing can end one of its stages");
      default:
        break;
    }
  }
}

}  // namespace

pipeline_link_base::pipeline_link_base(std::size_t senders) : senders_(senders) {
  if (senders == 1) return;
  turns_.reserve(senders);
  for (std::size_t i = 0; i < senders; ++i) turns_.push_back(std::make_unique<channel<char>>(1));
  turns_.front()->send(0);
}

void pipeline_link_base::stop() {
  stopped_.set();
  close();
  end_turns();
}

bool pipeline_link_base::take_turn(std::uint64_t number) {
  return turns_.empty() || turns_[number % turns_.size()]->receive().has_value();
}

void pipeline_link_base::pass_turn(std::uint64_t number) {
  if (!turns_.empty()) turns_[(number + 1) % turns_.size()]->send(0);
}

void pipeline_link_base::end_turns() {
  for (auto& turn : turns_) turn->close();
}

void pipeline_link_base::sender_ended() {
  // Acquire and release: the last one closes after all that the others sent.
  if (senders_.fetch_sub(1, std::memory_order_acq_rel) == 1) close();
}

pipeline_core::~pipeline_core() {
  stop();
  for (any_task& t : fibers_) wait_for_end(t.target());
}

void pipeline_core::start(std::shared_ptr<pipeline_link_base> out, std::function<void()> body) {
  fibers_.reserve(fibers_.size() + 1);
  auto run = [last = sender(std::move(out)), body = std::move(body)] {
    try {
      body();
    } catch (const channel_closed&) {
    }
  };
  fibers_.push_back(spawn({.name = "stage"}, std::move(run)));
}

void pipeline_core::stop() {
  for (auto& link : links_) link->stop();
}

}  // namespace v1
}  // namespace coir
