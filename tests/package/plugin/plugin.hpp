// plugin.hpp - what the plugin offers to the program that loads it.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/generator.hpp>
#include <coir/thread_state.hpp>

struct plugin_interface {
  coir::generator<int> (*make)(int from);
  int (*next)(coir::generator<int>& of);
  const coir::thread_state* (*thread)();
};

// Exported by name: `plugin`, and `plugin_sum` for programs that know nothing of coir.
