// coir.hpp - all of coir.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/config.hpp>
#include <coir/context.hpp>
#include <coir/coroutine.hpp>
#include <coir/generator.hpp>
#include <coir/stack.hpp>
