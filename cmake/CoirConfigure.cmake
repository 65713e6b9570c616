# Finds out what this target has: the assembly file, Boost.Context, ucontext, sanitizers, Valgrind.
# Sets COIR_* for the build and writes coir/config.hpp.
# SPDX-License-Identifier: BSL-1.0
include(CheckCXXSourceCompiles)
include(CheckIncludeFileCXX)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

find_package(Threads REQUIRED)

# Where atomics of a byte or two are not instructions, as with gcc for RISC-V, they are calls.
set(atomics_of_each_size "
#include <atomic>
std::atomic<unsigned char> a;
std::atomic<unsigned short> b;
std::atomic<unsigned> c;
std::atomic<unsigned long long> d;
int main() { return int(a.exchange(1) + b.exchange(1) + c.exchange(1) + d.exchange(1)); }")
check_cxx_source_compiles("${atomics_of_each_size}" COIR_ATOMICS_ARE_INLINE)
set(COIR_ATOMIC_LIBRARY "")
if(NOT COIR_ATOMICS_ARE_INLINE)
  set(COIR_ATOMIC_LIBRARY atomic)
endif()

# One assembly file per calling convention.
function(coir_pick_assembly result)
  set(candidates
      "x86_64_sysv|defined(__x86_64__) && !defined(__ILP32__) && !defined(_WIN32)"
      "aarch64_aapcs64|defined(__aarch64__) && !defined(__ILP32__) && !defined(_WIN32)"
      "riscv64_lp64d|defined(__riscv) && __riscv_xlen == 64 && defined(__riscv_float_abi_double)")
  foreach(candidate IN LISTS candidates)
    string(REPLACE "|" ";" parts "${candidate}")
    list(GET parts 0 name)
    list(GET parts 1 condition)
    check_cxx_source_compiles(
      "#if !(${condition})\n#error other\n#endif\nint main() {}" COIR_TARGET_IS_${name})
    if(COIR_TARGET_IS_${name})
      set(${result} ${name} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()

coir_pick_assembly(COIR_ASSEMBLY)
set(COIR_HAS_ASM 0)
if(COIR_ASSEMBLY)
  set(COIR_HAS_ASM 1)
endif()

# Boost.Context: the library is enough, its headers are for the tests and benchmarks.
set(COIR_HAS_BOOST 0)
if(NOT CMAKE_DISABLE_FIND_PACKAGE_Boost)
  find_package(Boost 1.66 QUIET COMPONENTS context)
  if(TARGET Boost::context)
    set(COIR_HAS_BOOST 1)
  endif()
endif()

check_cxx_source_compiles(
  "#include <ucontext.h>\nint main() { ucontext_t c; return getcontext(&c) + swapcontext(&c, &c); }"
  COIR_UCONTEXT_COMPILES)
set(COIR_HAS_UCONTEXT 0)
if(COIR_UCONTEXT_COMPILES)
  set(COIR_HAS_UCONTEXT 1)
endif()

if(COIR_CONTEXT STREQUAL "")
  if(COIR_HAS_ASM)
    set(COIR_CONTEXT_CHOSEN asm)
  elseif(COIR_HAS_BOOST)
    set(COIR_CONTEXT_CHOSEN boost)
  else()
    set(COIR_CONTEXT_CHOSEN ucontext)
  endif()
else()
  set(COIR_CONTEXT_CHOSEN ${COIR_CONTEXT})
endif()
set(COIR_CONTEXT_BACKENDS asm boost ucontext)
list(FIND COIR_CONTEXT_BACKENDS "${COIR_CONTEXT_CHOSEN}" COIR_CONTEXT_INDEX)
if(COIR_CONTEXT_INDEX EQUAL -1)
  message(FATAL_ERROR "COIR_CONTEXT is '${COIR_CONTEXT}'; it can be asm, boost or ucontext")
endif()
math(EXPR COIR_CONTEXT_BACKEND "${COIR_CONTEXT_INDEX} + 1")
string(TOUPPER ${COIR_CONTEXT_CHOSEN} COIR_CONTEXT_UPPER)
if(NOT COIR_HAS_${COIR_CONTEXT_UPPER})
  message(FATAL_ERROR "COIR_CONTEXT is ${COIR_CONTEXT_CHOSEN}, which this target does not have")
endif()

# The sanitizers change the layout of a context, so the configuration records them.
check_cxx_source_compiles("
#if defined(__has_feature)
#if !__has_feature(address_sanitizer)
#error off
#endif
#elif !defined(__SANITIZE_ADDRESS__)
#error off
#endif
int main() {}" COIR_COMPILES_WITH_ASAN)
check_cxx_source_compiles("
#if defined(__has_feature)
#if !__has_feature(thread_sanitizer)
#error off
#endif
#elif !defined(__SANITIZE_THREAD__)
#error off
#endif
int main() {}" COIR_COMPILES_WITH_TSAN)
set(COIR_ASAN 0)
set(COIR_TSAN 0)
if(COIR_COMPILES_WITH_ASAN)
  set(COIR_ASAN 1)
endif()
if(COIR_COMPILES_WITH_TSAN)
  set(COIR_TSAN 1)
endif()

set(COIR_HAS_VALGRIND 0)
if(COIR_VALGRIND)
  check_include_file_cxx(valgrind/memcheck.h COIR_VALGRIND_HEADER)
  if(COIR_VALGRIND_HEADER)
    set(COIR_HAS_VALGRIND 1)
  endif()
endif()

set(COIR_FORCE_MIGRATION_CHOSEN 0)
if(COIR_FORCE_MIGRATION)
  set(COIR_FORCE_MIGRATION_CHOSEN 1)
endif()

configure_file(${CMAKE_CURRENT_SOURCE_DIR}/include/coir/config.hpp.in
               ${PROJECT_BINARY_DIR}/include/coir/config.hpp @ONLY)

# The warnings that coir's own code is free of.
add_library(coir_warnings INTERFACE)
target_compile_options(coir_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow>)
# Optimizing, gcc takes an empty std::optional for an uninitialized one.
target_compile_options(coir_warnings INTERFACE
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
if(COIR_WERROR)
  target_compile_options(coir_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()

if(PROJECT_IS_TOP_LEVEL)
  message(STATUS "coir: context ${COIR_CONTEXT_CHOSEN}, assembly '${COIR_ASSEMBLY}', "
                 "boost ${COIR_HAS_BOOST}, ucontext ${COIR_HAS_UCONTEXT}, "
                 "asan ${COIR_ASAN}, tsan ${COIR_TSAN}, valgrind ${COIR_HAS_VALGRIND}")
endif()
