// runtime.hpp - the scheduler: workers that run fibers.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coir/nest.hpp>
#include <coir/runtime_options.hpp>
#include <coir/runtime_statistics.hpp>
#include <coir/spawn.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir {
inline namespace v1 {

// A set of workers and the fibers that live on them. Several live side by side.
//
//     coir::runtime rt = coir::runtime::background();
//     auto t = rt.spawn(work);        // from any thread
//     use(t.get());
//
// Lifetime   destroying one cancels the fibers that still live and waits for their end; from one of
//            its own fibers that is std::system_error (resource_deadlock_would_occur), which a
//            destructor turns into std::terminate.
// After fork the child finds no current runtime, and those of its parent refuse to work there:
//            std::system_error (operation_not_permitted).
class runtime {
 public:
  explicit runtime(runtime_options options = {});
  runtime(runtime&& other) noexcept;
  runtime& operator=(runtime&&) = delete;
  ~runtime();

  // With threads of its own, running until destroyed.
  static runtime background(runtime_options options = {});

  // The runtime whose fiber runs here; null on a plain thread.
  static runtime* current() noexcept;

  // Any thread.
  template <class F, class... Args>
  requires(spawnable<F, Args...>) auto spawn(F&& f, Args&&... args) {
    return spawn_in(&core(), nullptr, std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  requires(spawnable<F, Args...>) auto spawn(const spawn_options& options, F&& f, Args&&... args) {
    return spawn_in(&core(), &options, std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <class F>
  void post(F&& f) {
    static_cast<void>(spawn(std::forward<F>(f)));
  }

  // Runs fibers on the calling thread until f, run as a fiber, has returned.
  //
  // Throws  what f throws; std::system_error from a fiber of this runtime, unless it has threads of
  //         its own, and where another thread runs it already. So do those below.
  template <class F>
  auto run_until_complete(F&& f) {
    check_turn();  // before f is given away
    auto main = spawn(std::forward<F>(f));
    run_until_done(main);
    return main.take();
  }

  // Runs fibers on the calling thread until stop(), which may come first: then it runs what is
  // ready. After that it can be called again.
  void run_forever();
  void stop() noexcept;

  runtime_statistics stats() const;

  // -- For a foreign event loop, on one thread.

  // Runs what is ready, for about a millisecond; whether anything was. Never sleeps.
  bool run_ready();

  // Becomes readable when run_ready() has something to do because of another thread.
  int wait_fd();

  // When run_ready() has something to do because of time; empty for never.
  std::optional<std::chrono::steady_clock::time_point> next_deadline() const;

  // Engine level.
  runtime_core& core() const;

 private:
  struct state;
  class turn;
  explicit runtime(std::unique_ptr<state> own) noexcept;
  void check_turn() const;
  void run_until_done(any_task main);

  std::unique_ptr<state> state_;
};

// Started on first use, one worker a core, never destroyed: its fibers end with the process.
runtime& default_runtime();

// What of these options a fiber can have; std::invalid_argument for what it can not.
spawn_options options_of_child(const runtime_options& options);

// Runs f as a fiber, with a runtime for the life of that call, and returns what f returns.
//
//     int main() {
//       return coir::run([] { return coir::spawn(answer).get(); });
//     }
//
// Fibers spawned under it that still live when f ends are cancelled and joined. Inside a fiber f is
// run as its child; options other than name and stack_size are std::invalid_argument there.
template <class F>
auto run(F&& f, runtime_options options = {}) {
  if (runtime::current() != nullptr) {
    nest children;
    auto main = [&] {
      nest::opened here(children);
      return coir::spawn(options_of_child(options), std::forward<F>(f));
    }();
    return main.take();
  }
  runtime own(std::move(options));
  return own.run_until_complete(std::forward<F>(f));
}

}  // namespace v1
}  // namespace coir
