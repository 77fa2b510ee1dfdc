// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/froc.h"

#include <gtest/gtest.h>

#include "lamella/base/random.h"

namespace lamella::evaluation {
namespace {

TEST(Froc, ByHand) {
  // Slide 0: lesions found at 0.9 and missed (0). Slide 1, normal: false positives 0.8, 0.3.
  // Thresholds 0, 0.3, 0.8, 0.9: the 0 is dropped. 2 slides, 2 lesions.
  const Froc froc = froc_of({{"a", 0, 2, {0.9, 0}, {}}, {"b", 1, 0, {}, {0.8, 0.3}}}, {}, {});
  ASSERT_EQ(froc.points.size(), 4u);
  EXPECT_EQ(froc.points[0].threshold, 0.3);
  EXPECT_EQ(froc.points[0].false_positives, 1);
  EXPECT_EQ(froc.points[0].sensitivity, 0.5);
  EXPECT_EQ(froc.points[1].false_positives, 0.5);
  EXPECT_EQ(froc.points[2].false_positives, 0);
  EXPECT_EQ(froc.points[2].sensitivity, 0.5);
  EXPECT_EQ(froc.points[3].sensitivity, 0);
  for (const double sensitivity : froc.sensitivity) EXPECT_EQ(sensitivity, 0.5);
  EXPECT_EQ(froc.score, 0.5);
  EXPECT_NE(froc.intervals.note.find("no interval: 1 patients with lesions"), std::string::npos);
}

TEST(Froc, TheLeastThresholdIsDroppedWhateverItIs) {
  // Every lesion found and none isolated: there is no 0, and the threshold 0.4 of the second
  // lesion is lost.
  const Froc froc = froc_of({{"a", 0, 2, {0.9, 0.4}, {0.6}}}, {}, {});
  ASSERT_EQ(froc.points.size(), 3u);
  EXPECT_EQ(froc.points[0].threshold, 0.6);
  EXPECT_EQ(froc.points[0].sensitivity, 0.5);
  EXPECT_EQ(froc.sensitivity[5], 0.5) << "beyond the last point its own";
}

TEST(Froc, BetweenPointsItIsLinear) {
  // One slide: 0.9 hit, then two false positives at 0.8, then a hit at 0.7, a miss.
  // Points (0, 1/3), (2, 1/3), (2, 2/3): at 1 a third, at 2 two thirds.
  const Froc froc = froc_of({{"a", 0, 3, {0.9, 0.7, 0}, {0.8, 0.8}}}, {}, {});
  EXPECT_DOUBLE_EQ(froc.sensitivity[2], 1.0 / 3);
  EXPECT_DOUBLE_EQ(froc.sensitivity[3], 2.0 / 3);
  // (0, 0) to (1, 1/2) at 0.5: a false positive and a hit of one confidence come together.
  const Froc tied = froc_of({{"a", 0, 2, {0.8, 0}, {0.8}}}, {}, {});
  EXPECT_DOUBLE_EQ(tied.sensitivity[1], 0.25);
}

TEST(Froc, WithoutLesionsThereIsNoScore) {
  const Froc froc = froc_of({{"a", 0, 0, {0}, {0.5}}}, {}, {});
  EXPECT_FALSE(froc.score);
  EXPECT_EQ(froc.intervals.note, "no score: there are no lesions");
  EXPECT_EQ(froc_of({}, {}, {}).slides, 0);
}

TEST(Froc, IntervalByPatientsIsTheSameForAnyThreads) {
  Random random(6);
  std::vector<SlideHits> slides;
  for (int32_t k = 0; k < 40; ++k) {
    SlideHits slide{"s", k, 0, {}, {}};
    if (k % 2 == 0) {
      for (int lesion = 0; lesion < 3; ++lesion) {
        slide.found.push_back(random.uniform() < 0.3 ? 0 : random.uniform());
        ++slide.lesions;
      }
    }
    for (uint64_t n = random.below(12); n > 0; --n) {
      slide.false_positives.push_back(0.8 * random.uniform());
    }
    slides.push_back(slide);
  }
  Context two;
  two.threads = 2;
  const Froc a = froc_of(slides, {500, 1}, {}), b = froc_of(slides, {500, 1}, two);
  ASSERT_TRUE(a.intervals.of.contains("score"));
  EXPECT_EQ(a.intervals.of, b.intervals.of);
  EXPECT_LT(a.intervals.of.at("score").low, *a.score);
  EXPECT_GT(a.intervals.of.at("score").high, *a.score);
  EXPECT_EQ(a.intervals.units, 40);
}

}  // namespace
}  // namespace lamella::evaluation
