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
  const auto shares = unsure_by_slide(held_out, {{"s", 2}, {"t", 3}, {"u", 0}});
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares.at("s"), 0);
  EXPECT_NEAR(shares.at("t"), 2.0 / 3, 1e-12);
}

}  // namespace
}  // namespace lamella::verbs
