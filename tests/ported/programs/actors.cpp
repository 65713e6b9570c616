// actors.cpp - actors with mailboxes pass a token round a ring, until it has gone far enough.
// SPDX-License-Identifier: BSL-1.0
#include <cstddef>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "threads.hpp"

namespace {

class mailbox {
 public:
  void post(int message) {
    {
      STD::lock_guard<STD::mutex> guard(mutex_);
      messages_.push_back(message);
    }
    arrived_.notify_one();
  }
  // Nothing once a stop was requested.
  std::optional<int> take(STD::stop_token stop) {
    STD::unique_lock<STD::mutex> lock(mutex_);
    if (!arrived_.wait(lock, stop, [this] { return !messages_.empty(); })) return std::nullopt;
    int message = messages_.front();
    messages_.pop_front();
    return message;
  }

 private:
  STD::mutex mutex_;
  STD::condition_variable_any arrived_;
  std::deque<int> messages_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto count = static_cast<std::size_t>(threads_wanted(argc, argv));
  const int hops = 20'000;
  std::vector<std::unique_ptr<mailbox>> boxes;
  for (std::size_t i = 0; i < count; ++i) boxes.push_back(std::make_unique<mailbox>());
  STD::promise<std::size_t> arrived;
  {
    std::vector<STD::jthread> actors;
    for (std::size_t i = 0; i < count; ++i) {
      actors.emplace_back([&, i](STD::stop_token stop) {
        while (auto token = boxes[i]->take(stop)) {
          if (*token == 0) {
            arrived.set_value(i);
          } else {
            boxes[(i + 1) % count]->post(*token - 1);
          }
        }
      });
    }
    boxes[0]->post(hops);
    std::cout << "the token ends at actor " << arrived.get_future().get() << '\n';
  }
}
