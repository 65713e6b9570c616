// request.hpp - how a fiber is asked to end what it is doing, from any thread.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/fiber.hpp>

#include <cstdint>
#include <string_view>

namespace coir {
inline namespace v1 {

// A request is a bit in fiber::requests. The fiber looks there on entry to each wait; a wait it is
// in already is decided for it, by the worker it waits on (wait_outcome). No fence is paid on the
// way into a wait, so a look and a request may miss each other:
//
//     worker k, the fiber              canceller                     worker k, its loop
//     requests ?  none       (a)
//                                      requests |= bit       (b)
//     waits                  (c)       errand for k          (d)     at (d): it waits here: decided
//
// (d) is done by the thread that did (a) and (c), so one of two holds: (a) comes after (d) and sees
// (b); or (c), too, came before (d), and (d) finds the fiber waiting. But the fiber may run on
// another worker by then, without having seen (b). So the errand makes a tour of all workers of the
// runtime: at those behind it every look sees the bit, at those before it the fiber is still to be
// found. It ends early where the wait was decided, or the fiber knows already.
//
// The tour is not needed where the fiber waits on the worker of the calling thread, or has no other
// that it could wait on.

// Ends the wait that f is in, if any; the caller has set a bit, and holds a reference.
void interrupt(fiber& f) noexcept;

// The same for a fiber whose runtime has that worker.
class worker_core;
void start_tour(worker_core& first, fiber& f) noexcept;

// How many stops a tour has, and which one comes after another: the workers of the runtime.
std::uint32_t stops_of_tour(const worker_core& any) noexcept;
worker_core& stop_after(const worker_core& one) noexcept;

// What the loop of a worker does with each errand.
void go_on_tour(worker_core& here, fiber& f) noexcept;

// Asks by fiber_request::cancel. False where f has ended. Throws std::bad_alloc for the message.
bool request_cancel(fiber& f, std::string_view message);

}  // namespace v1
}  // namespace coir
