// cxx20.hpp - C++20's stackless coroutines, as bare as the language allows.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../shapes.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <utility>
#include <vector>

namespace bench {

// Frames come from a free list per size: coroutines that call coroutines make and drop one a call.
class frame_pool {
 public:
  static void* take(std::size_t size) {
    free_frame*& head = lists()[size / step];
    if (size >= largest || head == nullptr) return ::operator new(rounded(size));
    return std::exchange(head, head->next);
  }
  static void give(void* frame, std::size_t size) noexcept {
    if (size >= largest) return ::operator delete(frame);
    free_frame*& head = lists()[size / step];
    head = ::new (frame) free_frame{head};
  }

 private:
  struct free_frame {
    free_frame* next;
  };
  static constexpr std::size_t step = 16;
  static constexpr std::size_t largest = 1024;
  static std::size_t rounded(std::size_t size) { return (size / step + 1) * step; }
  static free_frame** lists() {
    static constinit thread_local free_frame* heads[largest / step + 1] = {};
    return heads;
  }
};

struct pooled_frame {
  static void* operator new(std::size_t size) { return frame_pool::take(size); }
  static void operator delete(void* frame, std::size_t size) { frame_pool::give(frame, size); }
};

struct cxx20 {
  // A coroutine that its owner resumes.
  class task {
   public:
    struct promise_type : pooled_frame {
      task get_return_object() { return task{handle::from_promise(*this)}; }
      std::suspend_always initial_suspend() noexcept { return {}; }
      std::suspend_always final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { std::terminate(); }
    };
    using handle = std::coroutine_handle<promise_type>;
    explicit task(handle made) : handle_(made) {}
    task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    task& operator=(task&&) = delete;
    ~task() {
      if (handle_) handle_.destroy();
    }
    std::coroutine_handle<> get() const { return handle_; }

   private:
    handle handle_;
  };

  // A coroutine that another one calls, by symmetric transfer both ways.
  class step {
   public:
    struct promise_type : pooled_frame {
      struct back {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> done) noexcept {
          return done.promise().caller;
        }
        void await_resume() noexcept {}
      };
      step get_return_object() { return step{handle::from_promise(*this)}; }
      std::suspend_always initial_suspend() noexcept { return {}; }
      back final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { std::terminate(); }
      std::coroutine_handle<> caller;
    };
    using handle = std::coroutine_handle<promise_type>;
    explicit step(handle made) : handle_(made) {}
    step(step&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    step& operator=(step&&) = delete;
    ~step() {
      if (handle_) handle_.destroy();
    }
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
      handle_.promise().caller = caller;
      return handle_;
    }
    void await_resume() noexcept {}

   private:
    handle handle_;
  };

  // What the array holds: the innermost coroutine that is suspended.
  using member = std::coroutine_handle<>;

  struct leave {
    member& slot;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> innermost) noexcept { slot = innermost; }
    void await_resume() noexcept {}
  };

  static task loop(member&) {
    for (;;) co_await std::suspend_always{};
  }

  template <int Depth>
  static step below(member& slot) {
    if constexpr (Depth == 1) {
      co_await leave{slot};
    } else {
      co_await below<Depth - 1>(slot);
    }
  }
  static task loop_below(member& slot) {
    for (;;) co_await below<4>(slot);
  }

  struct home {};

  template <class Body>
  class party {
   public:
    explicit party(const std::vector<std::uint32_t>& order)
        : line_(order.size() + lookahead, std::noop_coroutine()) {
      tasks_.reserve(order.size());
      std::vector<member*> place(order.size());
      for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = &line_[i];
      for (member* slot : place) {
        tasks_.push_back(Body::deep ? loop_below(*slot) : loop(*slot));
        *slot = tasks_.back().get();
      }
    }
    member* line() { return line_.data(); }

   private:
    std::vector<task> tasks_;
    std::vector<member> line_;
  };

  template <class Body>
  [[gnu::always_inline]] static void prefetch(const member* at) {
    __builtin_prefetch(at[lookahead / 2].address(), 1);
  }

  [[gnu::always_inline]] static void resume(home&, member& to) { to.resume(); }
};

}  // namespace bench
