// model.hpp - what each model test includes: the engine, and what is expected of it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <string>

#include "model/atomic.hpp"
#include "model/engine.hpp"

namespace coir_model {

inline void complain(const std::string& text) {
#ifdef COIR_MODEL_BARE
  bare::fail(text);
#else
  ADD_FAILURE() << text;
#endif
}

// Every interleaving is as it should be, and all of them have been looked at.
inline void holds(const report& r) {
  if (r.failed) return complain(r.text);
  if (!r.complete) return complain(r.text + ": too many to look at all of them");
#ifndef COIR_MODEL_BARE
  std::cout << r.text << '\n';
#endif
}

// Some interleaving goes wrong, and in this way.
inline void breaks(const report& r, const std::string& how) {
  if (!r.failed) return complain(r.text + ": none goes wrong");
  if (r.text.find(how) == std::string::npos) complain(r.text);
}

}  // namespace coir_model
