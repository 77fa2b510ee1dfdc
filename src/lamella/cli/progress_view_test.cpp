// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/progress_view.h"

#include <gtest/gtest.h>

namespace lamella::cli {
namespace {

TEST(Progress, AStepAloneTellsRateAndTimeLeft) {
  ProgressTracker tracker;
  EXPECT_TRUE(tracker.take({"encode a", 0, 1000, "patches"}, 10).new_step);
  const ProgressView view = tracker.take({"encode a", 250, 1000, "patches"}, 15);
  EXPECT_FALSE(view.cohort);
  EXPECT_FALSE(view.new_step || view.step_finished);
  EXPECT_EQ(view.step.name, "encode a");
  EXPECT_DOUBLE_EQ(view.step.fraction, 0.25);
  EXPECT_EQ(view.step.tail, "250 / 1000 patches  50 patches/s  0:15 left");
  EXPECT_TRUE(tracker.take({"encode a", 1000, 1000, "patches"}, 20).step_finished);
}

// What was done before the step began is not its speed.
TEST(Progress, AResumedStepDoesNotBoast) {
  ProgressTracker tracker;
  tracker.take({"encode a", 800, 1000, "patches"}, 0);
  EXPECT_EQ(tracker.take({"encode a", 900, 1000, "patches"}, 10).step.tail,
            "900 / 1000 patches  10 patches/s  0:10 left");
}

TEST(Progress, ACohortHasALineOfItsOwn) {
  ProgressTracker tracker;
  tracker.take({"1/4 encode T01", 0, 100, "patches"}, 0);
  tracker.take({"1/4 encode T01", 100, 100, "patches"}, 10);
  const ProgressView view = tracker.take({"2/4 encode T02", 0, 100, "patches"}, 10);
  EXPECT_TRUE(view.new_step);
  EXPECT_EQ(view.step.name, "encode T02");
  EXPECT_EQ(view.step.tail, "0 / 100 patches");
  ASSERT_TRUE(view.cohort);
  EXPECT_DOUBLE_EQ(view.cohort->fraction, 0.25);
  EXPECT_EQ(view.cohort->tail, "1 / 4 slides  10 patches/s  0:30 left");
  const ProgressView half = tracker.take({"2/4 encode T02", 50, 100, "patches"}, 15);
  EXPECT_EQ(half.cohort->tail, "1 / 4 slides  10 patches/s  0:25 left");
  // Found, not made: the slide counts, its patches do not.
  const ProgressView found =
      tracker.take({"3/4 encode T03 (found finished)", 100, 100, "patches"}, 20);
  EXPECT_EQ(found.cohort->tail, "2 / 4 slides  8 patches/s  0:07 left");
  tracker.take({"4/4 encode T04", 100, 100, "patches"}, 25);
  EXPECT_EQ(tracker.end(25), "4 of 4 slides: 250 patches in 0:25");
  EXPECT_EQ(tracker.end(25), "");
}

TEST(Progress, AnotherPassBeginsAnew) {
  ProgressTracker tracker;
  tracker.take({"1/2 encode T01", 10, 10, "patches"}, 0);
  tracker.take({"2/2 encode T02", 10, 10, "patches"}, 60);
  const ProgressView view = tracker.take({"1/2 tissue T01", 1, 4, "tiles"}, 61);
  EXPECT_EQ(view.ended, "2 of 2 slides: 20 patches in 1:01");
  EXPECT_EQ(view.cohort->tail, "0 / 2 slides");
  EXPECT_EQ(tracker.take({"send files", 1, 4, "files"}, 61).ended,
            "1 of 2 slides: 0 patches in 0:00");
}

TEST(Progress, OnlyANumberOfAWholeIsASlide) {
  ProgressTracker tracker;
  for (const char* name : {"", "7", "1/", "1/2", "x/2 a", "3/2 a", "0/2 a", "-1/2 a", "1/2x a"}) {
    EXPECT_FALSE(tracker.take({name, 0, 1, "tiles"}, 0).cohort) << name;
  }
}

TEST(Progress, ClockText) {
  EXPECT_EQ(clock_text(0.4), "0:00");
  EXPECT_EQ(clock_text(184), "3:04");
  EXPECT_EQ(clock_text(5025), "1:23:45");
}

}  // namespace
}  // namespace lamella::cli
