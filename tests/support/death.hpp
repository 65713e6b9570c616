// death.hpp - how a test that watches its program die makes the child that dies.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <gtest/gtest.h>

namespace coir_test {

// Before threads are about: in a program started anew, except where an emulator would have to be
// started with it.
inline void die_in_new_program() {
  GTEST_FLAG_SET(death_test_style, COIR_TEST_EMULATED ? "fast" : "threadsafe");
}

}  // namespace coir_test
