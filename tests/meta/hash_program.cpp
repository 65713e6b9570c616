// hash_program.cpp - many live values across many switches; prints a hash that must never change.
// SPDX-License-Identifier: BSL-1.0
//
// Compiled at every optimization level and with every option that changes what a compiler keeps in
// registers. Four computations, each with ten integers, eight floating-point numbers and a string
// live across its switches, throw and catch between and across them. The same body is run once with
// its switches replaced by plain calls: both runs, and every build, agree with one constant.
#include <coir/coroutine.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::uint64_t expected = 0x364b6e563658a52eU;
constexpr int computations = 4;
constexpr int rounds = 200;
constexpr std::size_t stack_size = 256 * 1024;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15U + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdU;
}

// What the other side of a switch answers; the same for a call and for a switch.
std::uint64_t answer(std::uint64_t word) {
  return mix(word, 0x5bd1e995U) | 1;
}

// Numbers with few digits, so that no rounding and no fused operation changes them.
double small(std::uint64_t word) {
  return static_cast<double>(word % 1024) / 8;
}

struct on_exit {
  std::uint64_t& hash;
  ~on_exit() { hash = mix(hash, static_cast<std::uint64_t>(std::uncaught_exceptions())); }
};

// Four frames between the loop and the switch, each with something to restore.
template <class Switch>
[[gnu::noinline]] std::uint64_t deep(Switch& change, std::uint64_t word, int depth) {
  if (depth == 0) return change(word);
  std::uint64_t before = mix(word, static_cast<std::uint64_t>(depth));
  double scale = small(before);
  std::uint64_t after = deep(change, before, depth - 1);
  return mix(after, static_cast<std::uint64_t>(scale * 8) + before);
}

template <class Switch>
std::uint64_t body(Switch& change, std::uint64_t seed) {
  std::uint64_t a = seed, b = mix(a, 1), c = mix(b, 2), d = mix(c, 3), e = mix(d, 4);
  std::uint64_t f = mix(e, 5), g = mix(f, 6), h = mix(g, 7), i = mix(h, 8), j = mix(i, 9);
  double p = 1, q = 2, r = 3, s = 4, t = 5, u = 6, v = 7;
  float w = 8;
  std::string text = "coir";
  std::uint64_t hash = seed;
  for (int round = 0; round < rounds; ++round) {
    a = mix(a, change(b));
    b = mix(b, deep(change, c, 4));
    p = small(a) + q;
    q = small(b) - p;
    c ^= a + b;
    d = mix(d, change(c + d));
    r = small(d) + s * 2;
    s = small(c) + t / 2;
    try {
      on_exit guard{hash};
      e = mix(e, change(e));
      if (e % 2 == 0) throw std::runtime_error(text + std::to_string(e % 1000));
      f = mix(f, e);
    } catch (const std::exception& failure) {
      // Another computation throws and catches while this one handles its exception.
      g = mix(g, change(g));
      for (const char* at = failure.what(); *at != '\0'; ++at)
        h = mix(h, static_cast<unsigned char>(*at));
      if (h % 3 == 0) {
        try {
          throw;
        } catch (const std::runtime_error& again) {
          i = mix(i, change(std::char_traits<char>::length(again.what())));
        }
      }
    }
    t = small(e) + u;
    u = small(f) - v;
    v = small(g) + 1;
    w = static_cast<float>(small(h)) + 1;
    j = mix(j, change(i + j));
    text += static_cast<char>('a' + j % 26);
    if (text.size() > 40) text.erase(0, 20);
    for (double x : {p, q, r, s, t, u, v, static_cast<double>(w)})
      hash = mix(hash, static_cast<std::uint64_t>(static_cast<std::int64_t>(x * 16)));
    for (std::uint64_t x : {a, b, c, d, e, f, g, h, i, j}) hash = mix(hash, x);
  }
  return hash;
}

struct computation {
  std::unique_ptr<std::byte[]> memory = std::make_unique<std::byte[]>(stack_size);
  std::uint64_t word = 0;
  std::uint64_t hash = 0;
  std::unique_ptr<coir::coroutine> coroutine;
};

void* run(coir::coroutine& self, void* word) {
  auto& mine = *static_cast<computation*>(word);
  auto change = [&](std::uint64_t value) {
    mine.word = value;
    self.suspend(&mine);
    return mine.word;
  };
  mine.hash = body(change, mine.word);
  return nullptr;
}

std::uint64_t by_switches() {
  std::vector<computation> all(computations);
  std::uint64_t seed = 1;
  for (computation& one : all) {
    auto top = reinterpret_cast<std::uintptr_t>(one.memory.get() + stack_size);
    one.coroutine = std::make_unique<coir::coroutine>(
        reinterpret_cast<std::byte*>(top & ~std::uintptr_t{15}), one.memory.get(), &run);
    one.word = seed++;
  }
  for (bool going = true; going;) {
    going = false;
    for (computation& one : all) {
      if (one.coroutine->done()) continue;
      going = true;
      if (one.coroutine->resume(&one) != nullptr) one.word = answer(one.word);
    }
  }
  std::uint64_t hash = 0;
  for (computation& one : all) hash = mix(hash, one.hash);
  return hash;
}

std::uint64_t by_calls() {
  auto change = [](std::uint64_t value) { return answer(value); };
  std::uint64_t hash = 0;
  for (std::uint64_t seed = 1; seed <= computations; ++seed) hash = mix(hash, body(change, seed));
  return hash;
}

}  // namespace

int main() {
  std::uint64_t called = by_calls();
  std::uint64_t switched = by_switches();
  std::printf("%016llx\n", static_cast<unsigned long long>(switched));
  if (switched == called && switched == expected) return 0;
  std::fprintf(stderr, "expected %016llx, by calls %016llx, by switches %016llx\n",
               static_cast<unsigned long long>(expected), static_cast<unsigned long long>(called),
               static_cast<unsigned long long>(switched));
  return 1;
}
