// engine.cpp - explores every interleaving of a few small threads, stale loads included.
// SPDX-License-Identifier: BSL-1.0
#include "model/engine.hpp"

#include <coir/arch.hpp>
#include <coir/context.hpp>
#include <coir/stack.hpp>
#include <coir/thread_state.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

namespace coir_model {
namespace {

constexpr int most_threads = plain_clocks::threads;  // thread 0 makes the model and checks it
constexpr std::size_t most_locations = 64;
constexpr std::size_t most_steps = 5'000;

// For each location the oldest message that may still be read; location 0 is none.
using view = std::array<std::uint16_t, most_locations>;
using clocks = std::array<std::uint32_t, most_threads>;

template <class Array>
void join(Array& into, const Array& from) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = std::max(into[i], from[i]);
}

struct message {
  std::uint64_t value = 0;
  view seen{};  // by who acquires it
  clocks before{};
};

struct location {
  std::vector<message> messages;
  std::uint16_t last_sc = 0;  // the last sequentially consistent one
  bool ended = false;
  clocks touched{};  // by each thread
  const char* name = nullptr;

  std::uint16_t last() const { return static_cast<std::uint16_t>(messages.size() - 1); }
};

enum class kind : std::uint8_t { none, load, store, modify, await, wake, fence, yield };

struct operation {
  kind what = kind::none;
  std::uint32_t at = 0;     // a location; of a fence: the thread that passes it
  std::uint64_t value = 0;  // awaited; of a yield: the locations that were read before it
  std::uint32_t by = 0;
};

bool writes(kind k) {
  return k == kind::store || k == kind::modify || k == kind::wake;
}

// Whether the order of two operations of different threads may matter.
bool dependent(const operation& a, const operation& b) {
  if (a.what == kind::none || b.what == kind::none) return false;
  if (a.what == kind::fence) return b.what == kind::fence || b.by == a.at;
  if (b.what == kind::fence) return a.by == b.at;
  if (a.what == kind::yield) return writes(b.what) && ((a.value >> b.at) & 1U) != 0;
  if (b.what == kind::yield) return writes(a.what) && ((b.value >> a.at) & 1U) != 0;
  return a.at == b.at && (writes(a.what) || writes(b.what));
}

enum class status : std::uint8_t {
  ready,
  sleeping,
  dozing,
  over
};  // dozing: sleeps with a deadline

struct model_thread {
  std::function<void()> body;
  status is = status::over;
  operation next;
  view seen{};
  clocks before{};
  std::uint64_t watched = 0;  // locations it has read since its last yield
  std::uint32_t sleeps_on = 0;
  bool woken = false;
  void* worker = nullptr;
  clocks moves{};  // of each thread the last that is ordered before what comes next
  std::optional<coir::context> where;
};

// A choice that was made: of a thread, or of a message to read. Sets of threads are bits.
struct choice {
  bool of_thread;
  std::uint32_t taken;
  std::uint32_t candidates;  // threads to be explored here; or how many messages
  std::uint32_t enabled = 0;
  std::uint32_t done = 0;    // have been explored here
  std::uint32_t asleep = 0;  // need not be, because it was done elsewhere
};

// A choice of thread, and the operation it led to, with what is ordered before it: by the program,
// or because the order of two operations matters.
struct move {
  std::size_t at;  // in the path
  operation what;
  clocks after;  // of each thread the last move, counted from 1
};

struct step {
  int thread;
  const char* what;
  std::uint32_t at;
  std::uint64_t value;
};

struct machine {
  std::uint32_t number = 0;  // of the execution
  int running = 0;
  int threads = 0;
  bool exploring = false;  // thread 0 does all it wants at once
  bool failed = false;
  std::string why;
  std::vector<location> locations;
  std::size_t used = 0;
  std::array<model_thread, most_threads> all;
  std::function<void()> check;
  view sc{};  // what the fences know
  std::vector<choice> path;
  std::size_t depth = 0;
  std::uint32_t asleep = 0;
  std::vector<move> moves;
  std::vector<step> steps;
  std::uint64_t pruned = 0;  // executions that were left, being explored elsewhere
  coir::context scheduler;
  std::vector<coir::stack> stacks;

  model_thread& self() { return all[static_cast<std::size_t>(running)]; }
};

machine& m() {
  static machine only;
  return only;
}

[[noreturn]] void die(const char* why) {
  std::fprintf(stderr, "model: %s\n", why);
  std::abort();
}

// Back to the scheduler; returns when this thread has been chosen again.
[[gnu::noinline]] void leave() {
  model_thread& self = m().self();
  coir::context::switch_to(*self.where, m().scheduler, nullptr);
}

void fail(const std::string& why) {
  if (!m().failed) m().why = why;
  m().failed = true;
  if (m().running != 0) {
    m().self().is = status::over;
    leave();
    die("a failed thread was resumed");
  }
}

void note(const char* what, std::uint32_t at, std::uint64_t value) {
  m().steps.push_back({m().running, what, at, value});
}

location& known(cell& at) {
  machine& here = m();
  if (at.execution != here.number || at.location == 0) {
    if (++here.used >= most_locations) die("too many atomics");
    at.execution = here.number;
    at.location = static_cast<std::uint32_t>(here.used);
    location& made = here.locations[at.location];
    made.messages.resize(1);
    made.messages[0] = message{at.value, {}, {}};
    made.last_sc = 0;
    made.ended = false;
    made.touched = {};
    made.name = nullptr;
  }
  location& found = here.locations[at.location];
  if (found.ended) fail("an atomic was touched after its end");
  return found;
}

// Has `thread` explored first where `at` was done, if it comes to that.
void reverse(const move& at, std::uint32_t thread) {
  choice& made = m().path[at.at];
  made.candidates |= ((made.enabled >> thread) & 1U) ? 1U << thread : made.enabled;
}

// Says what this thread does next, and returns when it is its turn.
void propose(kind what, std::uint32_t at, std::uint64_t value = 0) {
  machine& here = m();
  model_thread& self = here.self();
  auto own = static_cast<std::uint32_t>(here.running);
  self.next = {what, at, value, own};
  // The last move that this may as well come before.
  for (std::size_t i = here.moves.size(); i > 0; --i) {
    const move& before = here.moves[i - 1];
    if (before.what.by == own || !dependent(before.what, self.next)) continue;
    if (self.moves[before.what.by] < i) reverse(before, own);
    break;
  }
  leave();
}

// Announces an operation, and returns when it is this thread's turn to do it.
void announce(kind what, cell& at, std::uint64_t value = 0) {
  known(at);
  if (m().running == 0) return;
  propose(what, at.location, value);
}

void touch(cell& at, location& where) {
  model_thread& self = m().self();
  auto own = static_cast<std::size_t>(m().running);
  where.touched[own] = ++self.before[own];
  if (where.ended) fail("an atomic was touched after its end");
  static_cast<void>(at);
}

bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

std::uint32_t choose(std::uint32_t count) {
  machine& here = m();
  if (count == 1) return 0;
  if (here.depth == here.path.size()) here.path.push_back({false, 0, count});
  return here.path[here.depth++].taken;
}

void read(cell& at, location& where, std::uint16_t index, std::memory_order order) {
  model_thread& self = m().self();
  self.seen[at.location] = std::max(self.seen[at.location], index);
  self.watched |= std::uint64_t{1} << at.location;
  if (!acquires(order)) return;
  join(self.seen, where.messages[index].seen);
  join(self.before, where.messages[index].before);
}

void append(cell& at, location& where, std::uint64_t value, std::memory_order order,
            bool after_last) {
  model_thread& self = m().self();
  message made;
  made.value = value;
  self.seen[at.location] = static_cast<std::uint16_t>(where.messages.size());
  if (releases(order)) {
    made.seen = self.seen;
    made.before = self.before;
  }
  if (after_last) {  // a read-modify-write goes on with the release it read from
    join(made.seen, where.messages.back().seen);
    join(made.before, where.messages.back().before);
  }
  where.messages.push_back(made);
  if (order == std::memory_order_seq_cst) where.last_sc = where.last();
}

// A sequentially consistent fence of one thread.
void fence(model_thread& of) {
  join(of.seen, m().sc);
  m().sc = of.seen;
}

// -- The scheduler.

bool enabled(model_thread& t) {
  if (t.is == status::dozing) return true;
  if (t.is != status::ready) return false;
  if (t.next.what == kind::await)
    return m().locations[t.next.at].messages.back().value == t.next.value;
  if (t.next.what == kind::yield) {
    for (std::size_t i = 1; i <= m().used; ++i)
      if (((t.watched >> i) & 1U) != 0 && t.seen[i] < m().locations[i].last()) return true;
    return false;
  }
  return true;
}

coir::context::departure begin(coir::context&, coir::context&, void*) {
  model_thread& self = m().self();
  try {
    self.body();
  } catch (...) {
    fail("an exception left a thread");
  }
  self.is = status::over;
  self.next = {};
  return {&m().scheduler, nullptr, coir::switch_order::ordered};
}

void resume(int number) {
  machine& here = m();
  here.running = number;
  model_thread& t = here.self();
  auto*& worker = reinterpret_cast<void*&>(coir::calling_thread().worker);
  void* before = std::exchange(worker, t.worker);
  coir::context::switch_to(here.scheduler, *t.where, nullptr);
  t.worker = std::exchange(worker, before);
  here.running = 0;
}

// Makes a choice of thread, new or as before; -1 if all that could run has been explored elsewhere.
//
// Where it is new only one is explored, and others are added as it turns out that the order matters
// (dynamic partial order reduction).
int pick(std::uint32_t able, int last) {
  machine& here = m();
  if (here.depth == here.path.size()) {
    std::uint32_t awake = able & ~here.asleep;
    if (awake == 0) return -1;
    // Going on with the same thread first shows failures with few changes first.
    std::uint32_t first = (awake >> last) & 1U ? static_cast<std::uint32_t>(last)
                                               : static_cast<std::uint32_t>(__builtin_ctz(awake));
    here.path.push_back({true, first, 1U << first, able, 0, here.asleep});
  }
  std::size_t at = here.depth++;
  choice& made = here.path[at];
  model_thread& chosen = here.all[made.taken];
  move next{at, chosen.next, chosen.moves};
  next.what.by = made.taken;
  for (std::size_t i = here.moves.size(); i > 0; --i) {
    const move& before = here.moves[i - 1];
    if (dependent(before.what, next.what)) join(next.after, before.after);
  }
  here.moves.push_back(next);
  here.moves.back().after[made.taken] = static_cast<std::uint32_t>(here.moves.size());
  chosen.moves = here.moves.back().after;
  std::uint32_t asleep = 0;
  for (std::uint32_t t = 1; t <= static_cast<std::uint32_t>(here.threads); ++t) {
    if (t == made.taken) continue;
    bool matters = dependent(here.all[t].next, next.what);
    if (matters) reverse(here.moves.back(), t);
    if ((((made.asleep | made.done) >> t) & 1U) && !matters) asleep |= 1U << t;
  }
  here.asleep = asleep;
  return static_cast<int>(made.taken);
}

// One execution, following the path and extending it.
void execute(const std::function<void(execution&)>& model) {
  machine& here = m();
  ++here.number;
  here.used = 0;
  here.threads = 0;
  here.depth = 0;
  here.asleep = 0;
  here.moves.clear();
  here.sc = {};
  here.steps.clear();
  here.all[0].seen = {};
  here.all[0].before = {};
  execution e;
  model(e);
  while (here.stacks.size() < static_cast<std::size_t>(here.threads))
    here.stacks.emplace_back(coir::stack_options{64 * 1024, 0});
  here.exploring = true;
  for (int i = 1; i <= here.threads; ++i) {
    model_thread& t = here.all[static_cast<std::size_t>(i)];
    coir::stack& memory = here.stacks[static_cast<std::size_t>(i - 1)];
    t.seen = here.all[0].seen;
    t.before = here.all[0].before;
    t.is = status::ready;
    t.next = {};
    t.watched = 0;
    t.worker = nullptr;
    t.moves = {};
    t.where.emplace(memory.top(), memory.limit(), &begin);
    resume(i);  // to its first operation
    if (here.failed) break;
  }
  int last = 1;
  while (!here.failed) {
    std::uint32_t able = 0;
    bool over = true;
    for (int i = 1; i <= here.threads; ++i) {
      model_thread& t = here.all[static_cast<std::size_t>(i)];
      over = over && t.is == status::over;
      if (enabled(t)) able |= 1U << i;
    }
    if (able == 0) {
      if (!over) fail("all threads wait: a wake-up was lost, or one spins for ever");
      break;
    }
    last = pick(able, last);
    if (last < 0) {
      ++here.pruned;
      break;
    }
    if (here.steps.size() > most_steps) fail("it goes on for ever");
    if (!here.failed) resume(last);
  }
  here.exploring = false;
  bool all_over = true;
  for (int i = 1; i <= here.threads; ++i) {
    model_thread& t = here.all[static_cast<std::size_t>(i)];
    all_over = all_over && t.is == status::over;
    join(here.all[0].seen, t.seen);
    join(here.all[0].before, t.before);
  }
  if (all_over && !here.failed && here.check) here.check();
  here.check = nullptr;
  for (int i = 1; i <= here.threads; ++i) {
    here.all[static_cast<std::size_t>(i)].where.reset();
    here.all[static_cast<std::size_t>(i)].body = nullptr;
  }
  ++here.number;  // what ends from here on is of no interest
}

// On to the next path; false where there is none.
bool advance() {
  machine& here = m();
  while (!here.path.empty()) {
    choice& last = here.path.back();
    if (last.of_thread) {
      last.done |= 1U << last.taken;
      std::uint32_t left = last.candidates & ~last.done & ~last.asleep;
      if (left != 0) {
        last.taken = static_cast<std::uint32_t>(__builtin_ctz(left));
        return true;
      }
    } else if (++last.taken < last.candidates) {
      return true;
    }
    here.path.pop_back();
  }
  return false;
}

std::string story() {
  std::string text = m().why + "\n";
  for (const step& s : m().steps) {
    const location& at = m().locations[s.at];
    std::string name = s.at == 0            ? ""
                       : at.name != nullptr ? at.name
                                            : "location " + std::to_string(s.at);
    text += "  " + std::string(static_cast<std::size_t>(s.thread) * 4, ' ') +
            static_cast<char>('A' + s.thread - 1) + ": " + s.what + " " + name + " " +
            std::to_string(static_cast<std::int64_t>(s.value)) + "\n";
  }
  return text;
}

}  // namespace

void execution::thread(std::function<void()> body) {
  if (m().threads + 1 >= most_threads) die("too many threads");
  m().all[static_cast<std::size_t>(++m().threads)].body = std::move(body);
}

void execution::finally(std::function<void()> check) {
  m().check = std::move(check);
}

report explore(const options& how, const std::function<void(execution&)>& model) {
  machine& here = m();
  coir::attach_thread();
  here.locations.resize(most_locations);
  here.path.clear();
  here.failed = false;
  here.pruned = 0;
  report result;
  do {
    execute(model);
    ++result.executions;
    if (here.failed) {
      result.failed = true;
      result.text = std::string(how.name) + ": " + story();
      return result;
    }
    result.complete = !advance();
  } while (!result.complete && result.executions < how.most_executions);
  result.text = std::string(how.name) + ": " + std::to_string(result.executions) + " executions, " +
                std::to_string(here.pruned) + " cut short";
  return result;
}

void require(bool condition, const char* sentence) {
  if (!condition) fail(std::string("not so: ") + sentence);
}

void*& thread_worker() {
  return reinterpret_cast<void*&>(coir::calling_thread().worker);
}

void yield() {
  if (m().running == 0) fail("the model itself would spin for ever");
  model_thread& self = m().self();
  propose(kind::yield, 0, self.watched);
  for (std::size_t i = 1; i <= m().used; ++i)
    if (((self.watched >> i) & 1U) != 0) self.seen[i] = m().locations[i].last();
  self.watched = 0;
}

std::uint64_t load(cell& at, std::memory_order order) {
  announce(kind::load, at);
  location& where = known(at);
  touch(at, where);
  std::uint16_t oldest = m().self().seen[at.location];
  if (order == std::memory_order_seq_cst) oldest = std::max(oldest, where.last_sc);
  std::uint16_t last = where.last();
  auto index = m().running == 0 ? last
                                : static_cast<std::uint16_t>(
                                      last - choose(static_cast<std::uint32_t>(last - oldest + 1)));
  read(at, where, index, order);
  std::uint64_t value = where.messages[index].value;
  note(index == last ? "load" : "load stale", at.location, value);
  return value;
}

void store(cell& at, std::uint64_t value, std::memory_order order) {
  announce(kind::store, at);
  location& where = known(at);
  touch(at, where);
  append(at, where, value, order, false);
  note("store", at.location, value);
}

std::uint64_t modify(cell& at, change how, std::uint64_t argument, std::memory_order order) {
  announce(kind::modify, at);
  location& where = known(at);
  touch(at, where);
  read(at, where, where.last(), order);
  std::uint64_t old = where.messages.back().value;
  append(at, where, how(old, argument), order, true);
  note("modify", at.location, where.messages.back().value);
  return old;
}

bool compare_exchange(cell& at, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure) {
  announce(kind::modify, at);
  location& where = known(at);
  touch(at, where);
  std::uint64_t found = where.messages.back().value;
  bool there = found == expected;
  read(at, where, where.last(), there ? success : failure);
  if (there) append(at, where, desired, success, true);
  note(there ? "exchange" : "compare", at.location, where.messages.back().value);
  expected = found;
  return there;
}

void await(cell& at, std::uint64_t value) {
  announce(kind::await, at, value);
  location& where = known(at);
  touch(at, where);
  read(at, where, where.last(), std::memory_order_acquire);
  note("await", at.location, value);
}

void end(cell& at) {
  if (!m().exploring || at.execution != m().number || at.location == 0) return;
  location& where = m().locations[at.location];
  const clocks& before = m().self().before;
  for (std::size_t t = 0; t < before.size(); ++t) {
    if (where.touched[t] > before[t])
      return fail("an atomic ends while another thread may still touch it");
  }
  where.ended = true;
}

void name(cell& at, const char* text) {
  known(at).name = text;
}

void fence_everywhere() {
  machine& here = m();
  model_thread& self = here.self();
  int own = here.running;
  propose(kind::fence, static_cast<std::uint32_t>(own));
  fence(self);
  for (int i = 1; i <= here.threads; ++i) {
    if (i == own) continue;
    propose(kind::fence, static_cast<std::uint32_t>(i));
    fence(here.all[static_cast<std::size_t>(i)]);
    note("fence of thread", 0, static_cast<std::uint64_t>(i));
  }
  propose(kind::fence, static_cast<std::uint32_t>(own));
  fence(self);
}

bool futex_wait(cell& at, std::uint64_t value, bool timed) {
  announce(kind::load, at);
  location& where = known(at);
  touch(at, where);
  model_thread& self = m().self();
  read(at, where, where.last(), std::memory_order_relaxed);
  note("futex wait", at.location, where.messages.back().value);
  if (where.messages.back().value != value) return true;
  self.is = timed ? status::dozing : status::sleeping;
  self.sleeps_on = at.location;
  self.woken = false;
  propose(kind::load, at.location);
  self.is = status::ready;
  note(self.woken ? "woken" : "time is up", at.location, 0);
  return self.woken;
}

void futex_wake(cell& at) {
  // The word may be gone: its address is only an address.
  if (at.execution != m().number || at.location == 0) return;
  propose(kind::wake, at.location);
  note("futex wake", at.location, 0);
  for (model_thread& t : m().all) {
    if ((t.is != status::sleeping && t.is != status::dozing) || t.sleeps_on != at.location)
      continue;
    t.is = status::ready;
    t.woken = true;
  }
}

void plain_read(plain_clocks& at, const char* what) {
  if (!m().exploring) return;
  if (at.execution != m().number) at = {m().number};
  auto own = static_cast<std::size_t>(m().running);
  clocks& before = m().self().before;
  if (at.written > before[static_cast<std::size_t>(at.writer)])
    fail(std::string("a race: read of ") + what);
  at.read[own] = ++before[own];
}

void plain_write(plain_clocks& at, const char* what) {
  if (!m().exploring) return;
  if (at.execution != m().number) at = {m().number};
  auto own = static_cast<std::size_t>(m().running);
  clocks& before = m().self().before;
  bool race = at.written > before[static_cast<std::size_t>(at.writer)];
  for (std::size_t t = 0; t < before.size(); ++t) race = race || at.read[t] > before[t];
  if (race) fail(std::string("a race: write of ") + what);
  at.writer = m().running;
  at.written = ++before[own];
}

}  // namespace coir_model
