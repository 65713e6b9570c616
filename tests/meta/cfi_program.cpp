// cfi_program.cpp - goes through the switch as a function and its root once; cfi.py steps through
// it. SPDX-License-Identifier: BSL-1.0
#include <coir/context_asm.hpp>

#include <cstddef>

namespace {

coir::asm_context::departure entry(coir::asm_context& self, coir::asm_context& resumer,
                                   void* word) {
  coir::asm_context::call_switch(self, resumer, word);
  return {&resumer, word};
}

// A caller whose callee-saved registers hold something on both sides of the call.
[[gnu::noinline]] int caller(coir::asm_context& here, coir::asm_context& there, int a, int b) {
  int c = a * b, d = a + b, e = a - b;
  for (int i = 0; i < 2; ++i) {
    coir::asm_context::call_switch(here, there, &c);
    asm volatile("" : "+r"(c), "+r"(d), "+r"(e));
  }
  return c + d + e + a + b;
}

alignas(16) std::byte memory[64 * 1024];

}  // namespace

int main(int count, char**) {
  coir::asm_context here, there{memory + sizeof memory, memory, entry};
  return caller(here, there, count + 1, count + 2) == 14 ? 0 : 1;
}
