// listing.hpp - every fiber of the process, in words.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <string>

namespace coir {
inline namespace v1 {

// A sentence, and a line for each fiber that waits: its name and what it waits on.
std::string list_waits();

// A line for each fiber: number, name, state, what it waits on and for how long, stack in use; and
// below it, where it can be had, the calls it is in. Runtimes are held still meanwhile, but for
// workers whose fiber runs on without giving way: those fibers are listed without their calls.
void list_fibers(std::ostream& out);

}  // namespace v1
}  // namespace coir
