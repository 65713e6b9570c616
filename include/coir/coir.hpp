// coir.hpp - all of coir.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/await.hpp>
#include <coir/barrier.hpp>
#include <coir/call_once.hpp>
#include <coir/cancel.hpp>
#include <coir/channel.hpp>
#include <coir/condition_variable.hpp>
#include <coir/condition_variable_any.hpp>
#include <coir/config.hpp>
#include <coir/context.hpp>
#include <coir/context_var.hpp>
#include <coir/coroutine.hpp>
#include <coir/event.hpp>
#include <coir/fiber_local.hpp>
#include <coir/gather.hpp>
#include <coir/generator.hpp>
#include <coir/latch.hpp>
#include <coir/local_channel.hpp>
#include <coir/mutex.hpp>
#include <coir/pipeline.hpp>
#include <coir/queue.hpp>
#include <coir/run_blocking.hpp>
#include <coir/runtime.hpp>
#include <coir/select.hpp>
#include <coir/semaphore.hpp>
#include <coir/shared_mutex.hpp>
#include <coir/spawn.hpp>
#include <coir/stack.hpp>
#include <coir/std_future.hpp>
#include <coir/task.hpp>
#include <coir/task_group.hpp>
#include <coir/this_fiber.hpp>
#include <coir/ticker.hpp>
