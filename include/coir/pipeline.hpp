// pipeline.hpp - stages that work on a sequence of values at the same time.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/cancelled.hpp>
#include <coir/channel.hpp>
#include <coir/pipeline_core.hpp>
#include <coir/select.hpp>
#include <coir/stage.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

namespace coir {
inline namespace v1 {

// The results of the last stage, in the order of the source's values.
//
//     auto out = files | coir::stage(read) | coir::stage({.workers = 4, .buffer = 16}, parse);
//     for (auto& tree : out) use(tree);
//
// The source, any input range, is run through by one fiber, and each stage by as many as it has
// workers, at the same time, from the moment it is put together. A stage's function gets an rvalue;
// with several workers it is called by several fibers at once. One that returns void gives
// std::monostate.
//
// Blocking      reading waits for the next result; a plain thread may read. The stages wait when
//               their results are not taken.
// Lifetime      a range to be read once; move-only. A source given as an lvalue outlives it.
//               Destroying it stops the source and the stages, and waits until the calls under way
//               have returned.
// Cancellation  reading is a cancellation point.
// Throws        what the source or a stage threw, when it is the turn of the result that is
// missing;
//               what comes before is read first, and nothing after it.
//               std::invalid_argument for a stage without workers.
// Cost          a fiber for the source and each worker; a channel between two stages.
template <class T>
class pipeline : public std::ranges::view_base {
 public:
  pipeline(pipeline&&) noexcept = default;
  pipeline& operator=(pipeline&&) noexcept = default;

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = T;

    iterator() = default;
    iterator(iterator&&) = default;
    iterator& operator=(iterator&&) = default;

    T& operator*() const noexcept { return *value_; }
    iterator& operator++() {
      value_.reset();
      read();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
      return !i.value_.has_value();
    }

   private:
    friend pipeline;
    iterator(pipeline_core& core, pipeline_link<T>& from) : core_(&core), from_(&from) { read(); }

    void read() {
      auto item = from_->items.receive();
      if (!item.has_value() || from_->stopped()) return;
      if (auto* error = std::get_if<std::exception_ptr>(&item->content)) {
        core_->stop();
        std::rethrow_exception(*error);
      }
      value_.emplace(std::get<T>(std::move(item->content)));
    }

    pipeline_core* core_ = nullptr;  // stays where it is when the pipeline moves
    pipeline_link<T>* from_ = nullptr;
    mutable std::optional<T> value_;
  };

  // A second loop goes on where the first one stopped.
  iterator begin() { return iterator(*core_, *out_); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  template <class>
  friend class pipeline;
  template <class U, class F>
  friend auto operator|(pipeline<U>&& source, stage_adaptor<F> stage);
  template <std::ranges::input_range Source, class F>
  friend auto operator|(Source&& source, stage_adaptor<F> stage);

  pipeline(std::unique_ptr<pipeline_core> core, std::shared_ptr<pipeline_link<T>> out)
      : core_(std::move(core)), out_(std::move(out)) {}

  std::unique_ptr<pipeline_core> core_;
  std::shared_ptr<pipeline_link<T>> out_;
};

// The fibers' bodies.
template <class F, class T>
class pipeline_stage {
  using raw_result = std::invoke_result_t<F&, T&&>;

 public:
  using result =
      std::conditional_t<std::is_void_v<raw_result>, std::monostate, std::decay_t<raw_result>>;
  using in_link = pipeline_link<T>;
  using out_link = pipeline_link<result>;

  pipeline_stage(std::shared_ptr<in_link> in, std::shared_ptr<out_link> out, F function)
      : in_(std::move(in)), out_(std::move(out)), function_(std::move(function)) {}

  // One worker.
  void work() {
    try {
      while (auto item = in_->items.receive()) {
        if (in_->stopped()) return;
        if (!give(item->number, apply(std::move(item->content)))) return end();
      }
    } catch (const channel_closed&) {  // by out_: nobody wants the result
      end();
    } catch (...) {  // cancelled
      end();
      throw;
    }
  }

 private:
  using content = std::variant<result, std::exception_ptr>;

  // False if it was the last.
  bool give(std::uint64_t number, content what) {
    if (!out_->take_turn(number)) return false;
    bool failed = std::holds_alternative<std::exception_ptr>(what);
    out_->items.send({number, std::move(what)});
    if (!failed) out_->pass_turn(number);
    return !failed;
  }

  content apply(std::variant<T, std::exception_ptr>&& from) {
    if (auto* error = std::get_if<std::exception_ptr>(&from)) return *error;
    try {
      if constexpr (std::is_void_v<raw_result>) {
        std::invoke(function_, std::get<T>(std::move(from)));
        return content(std::in_place_index<0>);
      } else {
        return content(std::in_place_index<0>,
                       std::invoke(function_, std::get<T>(std::move(from))));
      }
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      return content(std::in_place_index<1>, std::current_exception());
    }
  }

  // No more of the stage before, nor of the other workers.
  void end() {
    in_->stop();
    out_->end_turns();
  }

  std::shared_ptr<in_link> in_;
  std::shared_ptr<out_link> out_;
  F function_;
};

// Sends what the source gives, and what it throws.
template <class Source, class T>
void run_source(Source& source, pipeline_link<T>& out) {
  std::uint64_t number = 0;
  auto send = [&](auto&& value) {
    out.items.send({number, std::variant<T, std::exception_ptr>(
                                std::in_place_index<0>, std::forward<decltype(value)>(value))});
    ++number;
  };
  std::exception_ptr error;
  try {
    for (auto it = std::ranges::begin(source); !out.stopped() && it != std::ranges::end(source);
         ++it) {
      if constexpr (std::is_constructible_v<T, std::ranges::range_reference_t<Source>>) {
        send(*it);
      } else {
        send(std::ranges::iter_move(it));
      }
    }
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    if (out.stopped()) return;
    error = std::current_exception();
  }
  if (error != nullptr) out.items.send({number, std::move(error)});
}

// A channel is not waited for any longer than there is somebody to read.
template <class T, class Door>
void run_source(channel<T, Door>& source, pipeline_link<T>& out) {
  std::uint64_t number = 0;
  bool open = true;
  auto pass = [&](std::optional<T> value) {
    open = value.has_value();
    if (open)
      out.items.send({number++, std::variant<T, std::exception_ptr>(std::in_place_index<0>,
                                                                    std::move(*value))});
  };
  std::exception_ptr error;
  try {
    while (open && !out.stopped())
      select(on_receive(source, pass), on_event(out.stopping(), [&] { open = false; }));
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    if (out.stopped()) return;
    error = std::current_exception();
  }
  if (error != nullptr) out.items.send({number, std::move(error)});
}

// Puts another stage behind a pipeline.
template <class T, class F>
auto operator|(pipeline<T>&& source, stage_adaptor<F> stage) {
  using made = pipeline_stage<F, T>;
  if (stage.options.workers == 0) throw std::invalid_argument("stage_options: no workers");
  std::unique_ptr<pipeline_core> core = std::move(source.core_);
  auto out = std::make_shared<typename made::out_link>(stage.options.workers, stage.options.buffer);
  core->add(out);
  auto shared = std::make_shared<made>(std::move(source.out_), out, std::move(stage.function));
  for (std::size_t i = 0; i < stage.options.workers; ++i)
    core->start(out, [shared] { shared->work(); });
  return pipeline<typename made::result>(std::move(core), std::move(out));
}

// Makes a pipeline of any range and its first stage.
template <std::ranges::input_range Source, class F>
auto operator|(Source&& source, stage_adaptor<F> stage) {
  using value = std::ranges::range_value_t<Source>;
  auto core = std::make_unique<pipeline_core>();
  auto out = std::make_shared<pipeline_link<value>>(1, 0);
  core->add(out);
  if constexpr (std::is_lvalue_reference_v<Source>) {
    core->start(out, [&source, out] { run_source(source, *out); });
  } else {
    auto own = std::make_shared<Source>(std::move(source));
    core->start(out, [own, out] { run_source(*own, *out); });
  }
  return pipeline<value>(std::move(core), std::move(out)) | std::move(stage);
}

}  // namespace v1
}  // namespace coir
