// generator_bench.cpp - one value of a generator, from the loop's ++ to the next value.
// SPDX-License-Identifier: BSL-1.0
// Every subject counts up; the loop reads each value. A generator is made anew for every 10 000.
#include "harness.hpp"

#include <coir/generator.hpp>

#if BENCH_HAS_BOOST
#include "peers/boost_coroutine2.hpp"

#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#endif

#include <coroutine>
#include <exception>
#include <iterator>
#include <utility>

namespace bench {
namespace {

constexpr int values = 10'000;

template <class Make>
[[gnu::always_inline]] inline void read_all(benchmark::State& state, Make make) {
  while (state.KeepRunningBatch(values)) {
    auto&& source = make();
    for (int x : source) benchmark::DoNotOptimize(x);
  }
}

template <class Context>
void coir_generator(benchmark::State& state, std::size_t) {
  read_all(state, [] {
    return coir::generator<int, void, void, Context>{[](auto& yield) {
      for (int i = 0; i < values; ++i) yield(i);
    }};
  });
}

// The least a generator can be; `for` works on it, and an exception comes out.
class stackless_generator {
 public:
  struct promise_type {
    stackless_generator get_return_object() {
      return stackless_generator{handle::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(const int& given) noexcept {
      value = &given;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { failure = std::current_exception(); }

    const int* value = nullptr;
    std::exception_ptr failure;
  };
  using handle = std::coroutine_handle<promise_type>;

  class iterator {
   public:
    explicit iterator(handle source) : source_(source) { next(); }
    const int& operator*() const { return *source_.promise().value; }
    iterator& operator++() {
      next();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return source_.done(); }

   private:
    void next() {
      source_.resume();
      if (source_.done() && source_.promise().failure) {
        std::rethrow_exception(source_.promise().failure);
      }
    }
    handle source_;
  };

  explicit stackless_generator(handle made) : handle_(made) {}
  stackless_generator(stackless_generator&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)) {}
  stackless_generator& operator=(stackless_generator&&) = delete;
  ~stackless_generator() {
    if (handle_) handle_.destroy();
  }
  iterator begin() { return iterator{handle_}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  handle handle_;
};

[[gnu::noinline]] stackless_generator count_up() {
  for (int i = 0; i < values; ++i) co_yield i;
}

void stackless(benchmark::State& state, std::size_t) {
  read_all(state, [] { return count_up(); });
}

// A function pointer in place of a generator: the floor.
class called_generator {
 public:
  class iterator {
   public:
    explicit iterator(called_generator& source) : source_(source) {}
    int operator*() const { return source_.value_; }
    iterator& operator++() {
      source_.value_ = source_.next_(source_.value_);
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return source_.value_ == values; }

   private:
    called_generator& source_;
  };
  explicit called_generator(int (*next)(int)) : next_(next) {}
  iterator begin() { return iterator{*this}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  int (*next_)(int);
  int value_ = 0;
};

int increment(int value) {
  return value + 1;
}

void call(benchmark::State& state, std::size_t) {
  int (*volatile target)(int) = &increment;
  read_all(state, [&] { return called_generator{target}; });
}

#if BENCH_HAS_BOOST
void coroutine2(benchmark::State& state, std::size_t) {
  auto pool = boost_coroutine2::make_pool();
  read_all(state, [&] {
    return boost_coroutine2::pull<int>{pool, [](boost_coroutine2::push<int>& sink) {
                                         for (int i = 0; i < values; ++i) sink(i);
                                       }};
  });
}

// What one writes by hand over boost::context::fiber: the value in a variable both sides see.
void fiber_ctx(benchmark::State& state, std::size_t) {
  using boost::context::fiber;
  boost::context::pooled_fixedsize_stack pool{stack_size};
  while (state.KeepRunningBatch(values)) {
    int value = 0;
    bool done = false;
    fiber source{std::allocator_arg, pool, [&](fiber&& from) {
                   for (int i = 0; i < values; ++i) {
                     value = i;
                     from = std::move(from).resume();
                   }
                   done = true;
                   return std::move(from);
                 }};
    source = std::move(source).resume();
    while (!done) {
      int x = value;
      benchmark::DoNotOptimize(x);
      source = std::move(source).resume();
    }
  }
}
#endif

const rows table{[] {
#if COIR_HAS_ASM
  add("generator", "coir", &coir_generator<coir::asm_context>);
#endif
#if COIR_HAS_BOOST
  add("generator", "coir_boost", &coir_generator<coir::boost_context>);
#endif
#if COIR_HAS_UCONTEXT
  add("generator", "coir_ucontext", &coir_generator<coir::ucontext_context>);
#endif
#if BENCH_HAS_BOOST
  add("generator", "boost_coroutine2", &coroutine2);
  add("generator", "boost_fiber_ctx", &fiber_ctx);
#endif
  add("generator", "cxx20", &stackless);
  add("generator", "call", &call);
}};

}  // namespace
}  // namespace bench
