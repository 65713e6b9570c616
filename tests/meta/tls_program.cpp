// tls_program.cpp - what tls.py must find, and what it must let pass; compiled, never run.
// SPDX-License-Identifier: BSL-1.0
//
// faulty_ and sound_ say what a function is; either_ depends on the compiler, copies_ are counted.
#include <coir/channel.hpp>
#include <coir/event.hpp>
#include <coir/generator.hpp>
#include <coir/select.hpp>
#include <coir/this_fiber.hpp>

#include <cerrno>
#include <cstdlib>

extern "C" {

extern thread_local int thread_number;
extern coir::event happened;
extern coir::channel<int> numbers;
void use(int& number);

// The address, once, for both sides of a switch: as a compiler does by itself where it likes.
[[gnu::always_inline]] inline int* number_kept() {
  int* address = &thread_number;
  asm volatile("" : "+r"(address));
  return address;
}

void faulty_inline_switch() {
  int* kept = number_kept();
  coir::this_fiber::yield();
  ++*kept;
}

void faulty_on_one_way(bool wanted) {
  int* kept = number_kept();
  if (wanted) coir::this_fiber::yield();
  ++*kept;
}

void faulty_in_a_loop(int turns) {
  int* kept = number_kept();
  for (int i = 0; i < turns; ++i) {
    ++*kept;
    coir::this_fiber::yield();
  }
}

void faulty_pair_in_the_frame() {
  volatile int* pair[2] = {number_kept(), number_kept()};
  asm volatile("" : "+m"(pair));
  coir::this_fiber::yield();
  *pair[1] = *pair[0];
}

[[gnu::noinline]] void switches_below() {
  coir::this_fiber::yield();
}

void faulty_switch_in_a_call() {
  int* kept = number_kept();
  switches_below();
  ++*kept;
}

void faulty_switch_in_the_library() {
  int* kept = number_kept();
  happened.wait();
  ++*kept;
}

void faulty_switch_behind_a_pointer(void (*function)()) {
  int* kept = number_kept();
  function();
  ++*kept;
}

void faulty_passes_it_on() {
  int* kept = number_kept();
  coir::this_fiber::yield();
  use(*kept);
}

int* faulty_returns_it() {
  int* kept = number_kept();
  coir::this_fiber::yield();
  return kept;
}

[[gnu::noinline]] int& number_by_a_function() {
  return *number_kept();
}

void faulty_from_a_function() {
  int& kept = number_by_a_function();
  coir::this_fiber::yield();
  ++kept;
}

void faulty_errno() {
  int* kept = &errno;
  asm volatile("" : "+r"(kept));
  coir::this_fiber::yield();
  *kept = 0;
}

void faulty_in_a_handler() {
  try {
    switches_below();
  } catch (...) {
    int* kept = number_kept();
    coir::this_fiber::yield();
    ++*kept;
  }
}

void faulty_thread_state() {
  coir::thread_state& kept = coir::calling_thread();
  coir::this_fiber::yield();
  if (kept.stacks == nullptr) std::abort();
}

// Some compilers go to the same address twice, as they may: in the program's eyes it is the same.
void either_asks_again() {
  ++thread_number;
  coir::this_fiber::yield();
  ++thread_number;
}

void sound_asks_by_a_function() {
  ++number_by_a_function();
  coir::this_fiber::yield();
  ++number_by_a_function();
}

void sound_value() {
  int value = number_by_a_function();
  coir::this_fiber::yield();
  number_by_a_function() = value;
}

bool sound_comparison() {
  int* before = number_kept();
  coir::this_fiber::yield();
  return before != &number_by_a_function();
}

void sound_before_only(bool wanted) {
  int* kept = number_kept();
  ++*kept;
  use(*kept);
  if (wanted) coir::this_fiber::yield();
}

void sound_thread_state() {
  if (coir::calling_thread().stacks == nullptr) std::abort();
  coir::this_fiber::yield();
  if (coir::calling_thread().stacks == nullptr) std::abort();
}

// What a program expands of the library's calls.

void copies_of_send() {
  numbers.send(1);
}

void copies_of_receive() {
  numbers.receive();
}

void copies_of_next(coir::generator<int>& squares) {
  squares.next();
}

void copies_of_select() {
  coir::select(coir::on_receive(numbers, [](std::optional<int>) {}),
               coir::on_event(happened, [] {}));
}
}
