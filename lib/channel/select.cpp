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

// -- The steps. Each is called once, and inlined: together they are the price of a select.

// Also finds the locks, in order. Sorted by insertion: there are few, and those of an array are in
// order already.
[[gnu::always_inline]] inline void select_round::prepare() {
  std::size_t count = 0;
  for (select_branch* b : branches_) {
    if (b->prepares()) {
      concludes_ = true;
      b->prepare();
      until_ = std::min(until_, b->until());
    }
    spinlock* lock = b->lock();
    if (lock == nullptr) continue;
    std::size_t place = count;
    while (place > 0 && std::less<>()(lock, locks_[place - 1])) --place;
    if (place > 0 && locks_[place - 1] == lock) continue;
    for (std::size_t i = count++; i > place; --i) locks_[i] = locks_[i - 1];
    locks_[place] = lock;
  }
  lock_count_ = count;
}

[[gnu::always_inline]] inline void select_round::lock_all() noexcept {
  for (std::size_t i = 0; i < lock_count_; ++i) locks_[i]->lock();
}

[[gnu::always_inline]] inline void select_round::unlock_all() noexcept {
  for (std::size_t i = lock_count_; i > 0; --i) locks_[i - 1]->unlock();
}

[[gnu::always_inline]] inline select_round::view select_round::look() noexcept {
  view seen{0, none, none};
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    select_branch& b = *branches_[i];
    bool ready = false;
    if (b.what() == select_branch::kind::receive) {
      ready = !b.state().receive_waits();
    } else if (b.what() == select_branch::kind::send) {
      ready = !b.state().send_waits();
    } else if (b.what() == select_branch::kind::source) {
      ready = b.ready();
    } else if (b.what() == select_branch::kind::otherwise && seen.otherwise == none) {
      seen.otherwise = i;
    }
    b.candidate = ready;
    if (!ready) continue;
    ++seen.candidates;
    seen.last = i;
  }
  return seen;
}

// Each candidate is as likely as the others; those that turn out not to be ready do not change
// that.
[[gnu::noinline]] std::size_t select_round::pick(std::size_t candidates) const noexcept {
  std::size_t skip = random_below(candidates);
  std::size_t index = 0;
  while (!branches_[index]->candidate || skip-- > 0) ++index;
  return index;
}

[[gnu::always_inline]] inline void select_round::enqueue_all() noexcept {
  waiter& main = *::new (&main_) waiter("a select");
  main.until = until_;
  fiber* self = nullptr;
  shared_word<std::uint64_t>* word = &own_.word;
  if (worker* here = current_worker()) {
    self = here->current;
    word = &self->wait_word;
    gate_.shut.lock();
    main.begin(*here);
  } else {
    own_.begin(main);
  }
  std::uint64_t ticket = main.ticket;
  for (select_branch* b : branches_) {
    if (!b->waits()) continue;
    waiter& node = *::new (&b->node()) waiter(main.what, self, *word, ticket, &own_.signal, gate_);
    node.slot = b->slot();
    if (b->what() == select_branch::kind::receive) {
      b->state().add_receiver(node);
    } else if (b->what() == select_branch::kind::send) {
      b->state().add_sender(node);
    } else {
      b->enqueue();
    }
  }
}

[[gnu::always_inline]] inline void select_round::conclude() {
  if (!concludes_) return;
  for (select_branch* b : branches_)
    if (b->prepares()) b->conclude();
}

[[gnu::always_inline]] inline std::size_t select_round::decide() {
  view seen;
  while (true) {
    lock_all();
    std::size_t poor = none;
    seen = look();
    for (std::size_t left = seen.candidates; left > 0; --left) {
      std::size_t index = seen.candidates == 1 ? seen.last : pick(left);
      select_branch& branch = *branches_[index];
      waiter* decided = nullptr;
      select_branch::attempted result = branch.attempt(decided);
      if (result == select_branch::attempted::done) {
        unlock_all();
        if (decided != nullptr) decided->resume();
        return index;
      }
      branch.candidate = false;
      if (result == select_branch::attempted::wants_memory) poor = index;
    }
    if (poor == none) break;
    unlock_all();
    branches_[poor]->provide();
  }
  if (seen.otherwise == none) enqueue_all();
  unlock_all();
  return seen.otherwise;
}

// Takes the nodes of those that lost out of their lists; gives the one that won.
[[gnu::always_inline]] inline std::size_t select_round::take_back(wait_outcome outcome) noexcept {
  std::size_t won = none;
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    select_branch& b = *branches_[i];
    if (!b.waits()) {
      bool due = outcome == wait_outcome::timed_out && b.until() == until_;
      if (due && won == none) won = i;
      continue;
    }
    if (&b.node() == gate_.winner) {
      won = i;
      continue;
    }
    spinlock* lock = b.lock();
    if (lock != nullptr) lock->lock();
    if (b.node().list != nullptr) b.node().list->remove(b.node());
    if (lock != nullptr) lock->unlock();
  }
  return won;
}

std::size_t select_round::start() {
  try {
    prepare();
    std::size_t index = decide();
    if (index != none) conclude();
    return index;
  } catch (...) {
    conclude();
    throw;
  }
}

std::size_t select_round::finish(wait_outcome outcome) {
  std::size_t index = take_back(outcome);
  if (outcome == wait_outcome::success) branches_[index]->won_by_waiting();
  conclude();
  if (outcome > wait_outcome::timed_out) throw_wait_failure(outcome);
  return index;
}

}  // namespace v1
}  // namespace coir
