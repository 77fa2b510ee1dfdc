// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/unsure.h"

#include <gtest/gtest.h>

namespace lamella::verbs {
namespace {

TEST(Unsure, IsTheShareBelowFourFifths) {
  const ClassTable classes{{"a", "b"}};
  EXPECT_EQ(unsure_share({classes, {0.5, 0.5, 0.9, 0.1, 0.2, 0.8, 0.3, 0.7}}), 0.5);
  EXPECT_FALSE(unsure_share({classes, {}}));
}

TEST(Unsure, GoesToTheSlideOfTheRow) {
  // Rows 0 and 1 are of s, 2 to 4 of t, none of u; row 1 was never held out.
  const classifier::HeldOut held_out{{4, 0, 2, 3},
                                     {{{"a", "b"}}, {0.5, 0.5, 0.9, 0.1, 0.5, 0.5, 0.1, 0.9}}};
  const HeldOutSlides slides =
      held_out_by_slide(held_out, {1, 0, 0, 1, 0}, {{"s", 2}, {"t", 3}, {"u", 0}});
  ASSERT_EQ(slides.size(), 2u);
  EXPECT_EQ(slides.at("s").labels, std::vector<int8_t>{1});
  EXPECT_EQ(unsure_share(slides.at("s").scores), 0);
  EXPECT_EQ(slides.at("t").labels, (std::vector<int8_t>{0, 0, 1}));
  EXPECT_NEAR(unsure_share(slides.at("t").scores).value(), 2.0 / 3, 1e-12);
}

TEST(NullScore, IsOfPatchesThatAreNotOfTheClass) {
  // Twenty of "a" at 0.25 of "b", one of them at 0.75: with twenty the score is the highest.
  HeldOutSlide slide;
  slide.scores.classes = {{"a", "b"}};
  for (int i = 0; i < 20; ++i) {
    const float b = i == 7 ? 0.75f : 0.25f;
    slide.scores.values.insert(slide.scores.values.end(), {1 - b, b});
    slide.labels.push_back(0);
  }
  slide.scores.values.insert(slide.scores.values.end(), {0.0f, 1.0f});
  slide.labels.push_back(1);
  HeldOutSlide few = slide;
  few.labels[3] = 1;
  EXPECT_EQ(null_slide_scores({{"s", slide}, {"t", few}}, ""), std::vector<double>{0.75});
  EXPECT_EQ(null_slide_scores({{"t", few}}, "b"), std::vector<double>{});
}

}  // namespace
}  // namespace lamella::verbs
