// context.hpp - one suspended computation is one small header; one switch goes from it to another.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/config.hpp>
#include <coir/context_asm.hpp>
#include <coir/context_boost.hpp>
#include <coir/context_ucontext.hpp>

namespace coir {
inline namespace v1 {

// The context the library itself switches by, chosen when it was configured (COIR_CONTEXT).
//
// All backends have one contract, written at asm_context:
//
//     alignas(16) std::byte memory[64 * 1024];
//     coir::context here, there{memory + sizeof memory, memory, entry};
//     coir::context::arrival a = coir::context::switch_to(here, there, word);
//
// This is the floor for those who build an engine of their own. A context knows nothing of caught
// exceptions, of who resumed it, nor of the stack's owner: coroutine.hpp adds that.
#if COIR_CONTEXT_BACKEND == 1
using context = asm_context;
#elif COIR_CONTEXT_BACKEND == 2
using context = boost_context;
#else
using context = ucontext_context;
#endif

}  // namespace v1
}  // namespace coir
