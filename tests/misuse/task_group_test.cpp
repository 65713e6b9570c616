// task_group_test.cpp - the sentence that each misuse of a group, or of a wait for several, ends
// in. SPDX-License-Identifier: BSL-1.0
#include <coir/task_group.hpp>

#include <coir/event.hpp>
#include <coir/gather.hpp>
#include <coir/runtime.hpp>
#include <coir/select.hpp>
#include <coir/uncancellable.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "support/death.hpp"
#include "support/parties.hpp"

namespace {

// What `call` throws, with its type, as a reader of a log would see it.
template <class Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return std::string("invalid_argument: ") + error.what();
  } catch (const std::logic_error& error) {
    return std::string("logic_error: ") + error.what();
  } catch (const std::system_error& error) {
    return std::string("system_error: ") + error.what();
  }
  return "nothing";
}

TEST(TaskGroupMisuse, SpawningWhenItHasEnded) {
  coir::run([] {
    coir::task_group g;
    g.join();
    EXPECT_EQ(thrown_by([&] { g.spawn([] {}); }),
              "logic_error: coir: a task is spawned into a group that has ended");
  });
}

TEST(TaskGroupMisuse, SpawningWhileItCloses) {
  coir::run([] {
    coir::task_group g;
    g.cancel();
    EXPECT_EQ(thrown_by([&] { g.spawn([] {}); }),
              "logic_error: coir: a task is spawned into a group that is closing");
  });
}

TEST(TaskGroupMisuse, ATaskThatJoinsItsOwnGroup) {
  coir::run([] {
    coir::task_group g;
    std::string text;
    g.spawn([&] { text = thrown_by([&] { g.join(); }); });
    g.join();
    EXPECT_EQ(text,
              "system_error: coir: a task waits for the end of its own group: Resource deadlock "
              "avoided");
  });
}

TEST(GatherMisuse, AFiberThatWaitsForItself) {
  coir::run([] {
    coir::task<void> self;
    std::string text;
    self = coir::spawn([&] { text = thrown_by([&] { coir::gather(self); }); });
    self.join();
    EXPECT_EQ(text, "system_error: coir: a fiber waits for itself: Resource deadlock avoided");
  });
}

TEST(GatherMisuse, NoTaskAtAll) {
  std::vector<coir::task<int>> none;
  EXPECT_EQ(thrown_by([&] { coir::wait(none); }),
            "invalid_argument: coir: wait for no task at all");
  EXPECT_EQ(thrown_by([&] { coir::race(none); }),
            "invalid_argument: coir: a race of no task at all");
}

TEST(GatherMisuse, AHandleWithoutATask) {
  coir::task<int> none;
  std::vector<coir::task<int>> range{none};
  for (const std::string& text :
       {thrown_by([&] { coir::gather(none); }), thrown_by([&] { coir::gather_settled(range); }),
        thrown_by([&] { coir::wait(range); }), thrown_by([&] { coir::as_completed(range); }),
        thrown_by([&] { coir::race(none); }), thrown_by([&] { coir::on_task(none); }),
        thrown_by([&] { coir::outcome<int> of(none); })})
    EXPECT_EQ(text, "logic_error: coir: this handle has no task");
}

TEST(GatherMisuse, TheOutcomeOfATaskThatHasNotEnded) {
  coir::run([] {
    auto t = coir::spawn([] { return 1; });
    EXPECT_EQ(thrown_by([&] { coir::outcome<int> of(t); }),
              "logic_error: coir: the outcome of a task that has not ended");
  });
}

class TaskGroupDeath : public coir_test::deadlock_test {};

// The destructor cannot throw what join() throws there.
TEST_F(TaskGroupDeath, AGroupThatNothingCanEnd) {
  coir_test::die_in_new_program();
  EXPECT_DEATH(coir::run([] {
                 coir::task_group g;
                 g.spawn([] {
                   coir::uncancellable for_ever;
                   coir::event().wait();
                 });
               }),
               "deadlock: a group of tasks is destroyed, and nothing can end one of them");
}

TEST_F(TaskGroupDeath, JoiningAGroupThatNothingCanEndThrows) {
  EXPECT_THROW(coir::run([] {
                 coir::event never;
                 coir::task_group g;
                 g.spawn([&] { never.wait(); });
                 g.join();
               }),
               coir::deadlock);
}

}  // namespace
