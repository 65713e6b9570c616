// select.cpp - how one of several branches is decided.
// SPDX-License-Identifier: BSL-1.0
#include <coir/select.hpp>

#include <algorithm>
#include <functional>
#include <new>
#include <stdexcept>
#include <vector>

namespace coir {
inline namespace v1 {
namespace {

// A number below `bound`, each as likely; of the calling thread's own sequence (xorshift64*). Not
// inlined: the address of a thread_local must not be kept over a switch.
[[gnu::noinline]] std::size_t random_below(std::size_t bound) noexcept {
  static thread_local std::uint64_t state = 0;
  // Where it lies differs from thread to thread.
  if (state == 0) state = reinterpret_cast<std::uintptr_t>(&state) * 0x9e3779b97f4a7c15U | 1;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  std::uint64_t high = (state * 0x2545f4914f6cdd1dU) >> 32;
  return static_cast<std::size_t>((high * bound) >> 32);
}

}  // namespace

std::size_t select(std::span<select_case> cases) {
  if (cases.empty())
    throw std::invalid_argument("coir: a select without a case would wait for ever");
  constexpr std::size_t few = 16;
  if (cases.size() <= few) {
    select_branch* branches[few];
    spinlock* locks[few];
    for (std::size_t i = 0; i < cases.size(); ++i) branches[i] = &cases[i].branch();
    return select_branches({branches, cases.size()}, locks);
  }
  std::vector<select_branch*> branches;
  for (select_case& c : cases) branches.push_back(&c.branch());
  std::vector<spinlock*> locks(cases.size());
  return select_branches(branches, locks.data());
}

std::size_t select_round::start() {
  try {
    prepare();
    return decide();
  } catch (...) {
    conclude(none);
    throw;
  }
}

std::size_t select_round::decide() {
  collect_locks();
  while (true) {
    lock_all();
    select_branch* poor = nullptr;
    for (std::size_t left = count_candidates(); left > 0; --left) {
      select_branch& branch = pick(left);
      waiter* decided = nullptr;
      select_branch::attempted result = branch.attempt(decided);
      if (result == select_branch::attempted::done) {
        unlock_all();
        if (decided != nullptr) decided->resume();
        return conclude(index_of(branch));
      }
      branch.candidate = false;
      if (result == select_branch::attempted::wants_memory) poor = &branch;
    }
    if (poor == nullptr) break;
    unlock_all();
    poor->provide();
  }
  std::size_t instead = find_otherwise();
  if (instead == none) enqueue_all();
  unlock_all();
  return instead == none ? none : conclude(instead);
}

std::size_t select_round::finish(wait_outcome outcome) {
  dequeue_all();
  std::size_t index = conclude(winner(outcome));
  throw_wait_failure(outcome);
  return index;
}

void select_round::prepare() {
  for (select_branch* b : branches_) {
    if (b->prepares()) b->prepare();
    main_.until = std::min(main_.until, b->until());
  }
}

void select_round::collect_locks() noexcept {
  // Sorted by insertion: there are few, and those of an array are in order already.
  for (select_branch* b : branches_) {
    spinlock* lock = b->lock();
    if (lock == nullptr) continue;
    std::size_t place = lock_count_;
    while (place > 0 && std::less<>()(lock, locks_[place - 1])) --place;
    if (place > 0 && locks_[place - 1] == lock) continue;
    std::copy_backward(locks_ + place, locks_ + lock_count_, locks_ + lock_count_ + 1);
    locks_[place] = lock;
    ++lock_count_;
  }
}

void select_round::lock_all() noexcept {
  for (std::size_t i = 0; i < lock_count_; ++i) locks_[i]->lock();
}

void select_round::unlock_all() noexcept {
  for (std::size_t i = lock_count_; i > 0; --i) locks_[i - 1]->unlock();
}

std::size_t select_round::count_candidates() noexcept {
  std::size_t count = 0;
  for (select_branch* b : branches_) {
    b->candidate = b->what() == select_branch::kind::source && b->ready();
    count += b->candidate ? 1 : 0;
  }
  return count;
}

// Each candidate is as likely as the others; those that turn out not to be ready do not change
// that.
select_branch& select_round::pick(std::size_t candidates) noexcept {
  std::size_t skip = candidates > 1 ? random_below(candidates) : 0;
  auto it = branches_.begin();
  while (!(*it)->candidate || skip-- > 0) ++it;
  return **it;
}

std::size_t select_round::find_otherwise() const noexcept {
  for (std::size_t i = 0; i < branches_.size(); ++i)
    if (branches_[i]->what() == select_branch::kind::otherwise) return i;
  return none;
}

void select_round::enqueue_all() noexcept {
  if (worker* here = current_worker()) {
    gate_.shut.lock();
    main_.begin(*here);
  } else {
    own_.begin(main_);
  }
  for (select_branch* b : branches_) {
    if (b->what() != select_branch::kind::source) continue;
    waiter& node = *::new (&b->node()) waiter(main_.what);
    node.who = main_.who;
    node.word = main_.word;
    node.ticket = main_.ticket;
    node.signal = main_.signal;
    node.gate = &gate_;
    b->enqueue();
  }
}

void select_round::dequeue_all() noexcept {
  for (select_branch* b : branches_) {
    if (b->what() != select_branch::kind::source || &b->node() == gate_.winner) continue;
    if (b->lock() == nullptr) {
      b->dequeue();
    } else {
      leave_list(b->node(), *b->lock());
    }
  }
}

std::size_t select_round::winner(wait_outcome outcome) const noexcept {
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    select_branch& b = *branches_[i];
    bool source = b.what() == select_branch::kind::source;
    if (outcome == wait_outcome::success && source && &b.node() == gate_.winner) return i;
    if (outcome == wait_outcome::timed_out && !source && b.until() == main_.until) return i;
  }
  return none;
}

std::size_t select_round::conclude(std::size_t index) {
  for (select_branch* b : branches_)
    if (b->prepares()) b->conclude();
  return index;
}

std::size_t select_round::index_of(const select_branch& branch) const noexcept {
  return static_cast<std::size_t>(std::find(branches_.begin(), branches_.end(), &branch) -
                                  branches_.begin());
}

}  // namespace v1
}  // namespace coir
