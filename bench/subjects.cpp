// subjects.cpp - who is measured, and what each gets; printed with every report.
// SPDX-License-Identifier: BSL-1.0
#include "harness.hpp"

namespace bench {
namespace {

const subject list[] = {
    {"coir",
     "the inline switch; coir::stack, 64 KiB, guarded, recycled; the scheduler as it comes, with "
     "one worker where no number is said"},
    {"coir_local", "coir's scheduler, and local_channel in place of channel"},
    {"coir_call", "coir's switch as a function (coir_context_switch); stacks as coir"},
    {"coir_boost", "coir over Boost.Context's jump_fcontext; stacks as coir"},
    {"coir_ucontext", "coir over swapcontext; stacks as coir"},
    {"boost_fcontext",
     "jump_fcontext called directly, from the " BENCH_BOOST_LIBRARY " library; stacks as coir; in "
     "crowds its handles stand in the array and its saved frames are fetched ahead"},
    {"boost_fiber_ctx",
     "boost::context::fiber, from the " BENCH_BOOST_LIBRARY
     " library; stacks as coir in switches and crowds, "
     "pooled_fixedsize_stack of 64 KiB in create and generator, fixedsize_stack of 64 KiB in live; "
     "it does not tell what to fetch ahead"},
    {"boost_fiber_ctx_pooled", "boost::context::fiber on pooled_fixedsize_stack of 64 KiB"},
    {"boost_fiber_ctx_protected", "boost::context::fiber on protected_fixedsize_stack of 64 KiB"},
    {"boost_coroutine2", "coroutine<T>::pull_type, from the " BENCH_BOOST_LIBRARY
                         " library; pooled_fixedsize_stack of 64 KiB"},
    {"ucontext", "swapcontext called directly; stacks as coir"},
    {"cxx20",
     "stackless coroutines; frames from a free list (generator: from operator new), in crowds "
     "fetched ahead; nested ones by symmetric transfer"},
    {"boost_fiber",
     "Boost.Fiber, from the " BENCH_BOOST_LIBRARY
     " library; round_robin, launch::post, pooled_fixedsize_stack of 64 KiB; fixedsize_stack in "
     "crowds from 1000 on, launch::dispatch in skynet and where it is said, async() and its "
     "futures for tasks, work_stealing with two workers"},
    {"thread",
     "threads on one processor, a futex, std::mutex or std::condition_variable between them; time "
     "on the wall"},
    {"call", "a call through a pointer and its return, each counted as one way: the floor"},
};

}  // namespace
}  // namespace bench
