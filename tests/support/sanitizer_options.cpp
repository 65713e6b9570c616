// sanitizer_options.cpp - what the sanitizers of every test program watch, however it is started.
// SPDX-License-Identifier: BSL-1.0
#include <coir/config.hpp>

#if COIR_ASAN
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=1:detect_leaks=1:strict_init_order=1";
}
#endif

#if COIR_TSAN
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=0:exitcode=66:second_deadlock_stack=1";
}

// Who drops an exception last destroys it. The count is libstdc++'s, which is not instrumented, so
// what() on another thread before that seems to race with it.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n"
         "race:std::runtime_error::~runtime_error\n";
}
#endif

#if COIR_ASAN
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() {
  return "print_stacktrace=1";
}
#endif
