// census.cpp - the threads that sleep until coir wakes them, and all runtimes of the process.
// SPDX-License-Identifier: BSL-1.0
#include "sched/census.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include <dirent.h>
#include <sys/stat.h>

#include "arch/fork.hpp"

namespace coir {
inline namespace v1 {
namespace {

constexpr const char* tasks_of_process = "/proc/self/task";

// Sequentially consistent by default: changed around sleeps only, and compared with what the kernel
// says of other threads.
std::atomic<long> sleepers{0};

struct list {
  std::mutex mutex;
  std::vector<runtime_core*> runtimes;

  // Never destroyed: a runtime may outlive main's statics.
  static list& instance() {
    static list* const only = make();
    return *only;
  }

 private:
  static list* make() {
    auto* made = new list;
    hold_over_forks(
        lock_of_process::runtimes, [] { instance().mutex.lock(); },
        [] { instance().mutex.unlock(); });
    return made;
  }
};

}  // namespace

void prepare_census() noexcept {
  // Those that sleep when a process forks are not there in the child.
  static const bool watched = (forget_in_children([] { sleepers = 0; }), true);
  static_cast<void>(watched);
}

void count_sleeper() noexcept {
  prepare_census();
  ++sleepers;
}
void discount_sleeper() noexcept {
  --sleepers;
}

long threads_of_process() noexcept {
  DIR* tasks = opendir(tasks_of_process);
  if (tasks == nullptr) return 0;
  long count = 0;
  while (const dirent* entry = readdir(tasks))
    if (entry->d_name[0] != '.') ++count;
  closedir(tasks);
  return count;
}

// Reading the directory takes a quarter of a millisecond where there are many threads and the
// processor has slept: the number of its links, two more than it has folders, mostly tells before.
bool everyone_sleeps() noexcept {
  const long asleep = sleepers.load();
  struct stat folder;
  const bool known = stat(tasks_of_process, &folder) == 0 && folder.st_nlink > 2;
  if (known && static_cast<long>(folder.st_nlink) - 2 != asleep) return false;
  return asleep == threads_of_process();
}

void enter_runtime(runtime_core& made) {
  list& all = list::instance();
  std::lock_guard lock(all.mutex);
  all.runtimes.push_back(&made);
}

void leave_runtime(runtime_core& gone) noexcept {
  list& all = list::instance();
  std::lock_guard lock(all.mutex);
  std::erase(all.runtimes, &gone);
}

void visit_runtimes(const std::function<void(runtime_core&)>& visit) {
  list& all = list::instance();
  std::lock_guard lock(all.mutex);
  for (runtime_core* one : all.runtimes) visit(*one);
}

}  // namespace v1
}  // namespace coir
