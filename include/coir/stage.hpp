// stage.hpp - what happens to each value on its way through a pipeline.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

struct stage_options {
  std::size_t workers = 1;  // values that the stage works on at the same time
  std::size_t buffer = 1;   // results that wait for the next stage, or for the reader
};

// A function on its way into a pipeline: see pipeline.hpp.
template <class F>
struct stage_adaptor {
  stage_options options;
  F function;
};

template <class F>
requires(!std::same_as<std::remove_cvref_t<F>, stage_options>) auto stage(F&& f) {
  return stage_adaptor<std::decay_t<F>>{{}, std::forward<F>(f)};
}

template <class F>
auto stage(stage_options options, F&& f) {
  return stage_adaptor<std::decay_t<F>>{options, std::forward<F>(f)};
}

}  // namespace v1
}  // namespace coir
