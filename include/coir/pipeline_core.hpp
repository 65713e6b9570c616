// pipeline_core.hpp - the fibers of a pipeline and the channels between them, whatever they carry.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/channel.hpp>
#include <coir/event.hpp>
#include <coir/task.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

namespace coir {
inline namespace v1 {

// A channel from one stage to the next, or to the reader.
//
// The workers of the stage before send in the order of the items' numbers. Each waits for its turn,
// a token that passes from number to number, in a ring of as many places as there are workers: the
// item a worker holds is never further than that from the next one to be sent.
class pipeline_link_base {
 public:
  explicit pipeline_link_base(std::size_t senders);
  pipeline_link_base(const pipeline_link_base&) = delete;
  pipeline_link_base& operator=(const pipeline_link_base&) = delete;
  virtual ~pipeline_link_base() = default;

  // Nobody wants any more of it: those who send, or wait for their turn, find it closed.
  void stop();
  bool stopped() const noexcept { return stopped_.is_set(); }
  event& stopping() noexcept { return stopped_; }

  // False if it never will be the turn of `number`. Who has it passes it on, or ends it for all.
  bool take_turn(std::uint64_t number);
  void pass_turn(std::uint64_t number);
  void end_turns();

  // After the last of the senders nothing more comes.
  void sender_ended();

 private:
  virtual void close() = 0;

  event stopped_;
  std::vector<std::unique_ptr<channel<char>>> turns_;  // empty where there is one sender
  std::atomic<std::size_t> senders_;
};

template <class T>
class pipeline_link final : public pipeline_link_base {
 public:
  // In the place of the first value that could not be had stands the reason; nothing follows it.
  struct item {
    std::uint64_t number;
    std::variant<T, std::exception_ptr> content;
  };

  pipeline_link(std::size_t senders, std::size_t capacity)
      : pipeline_link_base(senders), items(capacity) {}

  channel<item> items;

 private:
  void close() override { items.close(); }
};

// What a pipeline owns.
class pipeline_core {
 public:
  pipeline_core() = default;
  pipeline_core(const pipeline_core&) = delete;
  pipeline_core& operator=(const pipeline_core&) = delete;
  // Stops, and waits for the fibers; no cancellation point.
  ~pipeline_core();

  void add(std::shared_ptr<pipeline_link_base> link) { links_.push_back(std::move(link)); }

  // Runs `body` as a fiber, one of the senders of `out`.
  void start(std::shared_ptr<pipeline_link_base> out, std::function<void()> body);

  void stop();

 private:
  std::vector<std::shared_ptr<pipeline_link_base>> links_;
  std::vector<any_task> fibers_;
};

}  // namespace v1
}  // namespace coir
