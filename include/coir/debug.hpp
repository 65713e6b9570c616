// debug.hpp - what the fibers of this process are doing.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>

namespace coir {
inline namespace v1 {
namespace debug {

// Lists every fiber: number, name, state, what it waits on and for how long (to some 10 ms), how
// much of its stack was ever touched, and the calls it is in.
//
//     coir::debug::dump(std::cerr);
//
// Blocking  holds all runtimes still for as long as it takes, from any thread or fiber. Calls are
//           shown for suspended fibers, by the asm context only; link with -rdynamic to see names.
// Throws    std::bad_alloc, and what the stream throws.
void dump(std::ostream& out);

}  // namespace debug
}  // namespace v1
}  // namespace coir
