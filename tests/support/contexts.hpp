// contexts.hpp - the context backends of this build, for typed tests.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/context.hpp>

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <type_traits>

namespace coir_test {

template <class... Lists>
struct joined;
template <class... A>
struct joined<std::tuple<A...>> {
  using types = ::testing::Types<A...>;
};
template <class... A, class... B, class... Rest>
struct joined<std::tuple<A...>, std::tuple<B...>, Rest...>
    : joined<std::tuple<A..., B...>, Rest...> {};

using every_context = joined<
#if COIR_HAS_ASM
    std::tuple<coir::asm_context>,
#endif
#if COIR_HAS_BOOST
    std::tuple<coir::boost_context>,
#endif
#if COIR_HAS_UCONTEXT
    std::tuple<coir::ucontext_context>,
#endif
    std::tuple<>>::types;

// Names the instances of a typed suite: TYPED_TEST_SUITE(Suite, every_context, context_names).
struct context_names {
  template <class Context>
  static std::string GetName(int) {
#if COIR_HAS_ASM
    if (std::is_same_v<Context, coir::asm_context>) return "asm";
#endif
#if COIR_HAS_BOOST
    if (std::is_same_v<Context, coir::boost_context>) return "boost";
#endif
    return "ucontext";
  }
};

}  // namespace coir_test
