// alternate_stack.hpp - where a thread handles signals when its stack is used up.
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace coir {
inline namespace v1 {

// Gives the calling thread one, unless it has one; taken down when the thread ends. Without one,
// where the kernel refuses the memory, an overflow ends the process with no message.
void give_alternate_stack() noexcept;

// Makes what the first call of it in a process makes for all.
void prepare_alternate_stacks() noexcept;

}  // namespace v1
}  // namespace coir
