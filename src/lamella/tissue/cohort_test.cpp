// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/tissue/tissue.h"

namespace lamella::tissue {
namespace {

TEST(StainShift, IsTheDistanceFromTheMedianOfTheOthers) {
  const auto look = [](double red, double green, double blue) {
    SlideLook made;
    made.stain_density = {red, green, blue};
    return made;
  };
  const std::vector<SlideLook> others = {look(0.1, 0.4, 0.2), look(0.2, 0.5, 0.2),
                                         look(0.9, 0.6, 0.2), SlideLook{}};
  // The medians are 0.2, 0.5 and 0.2: 0.3, 0.4 and 0 from them.
  EXPECT_NEAR(stain_shift(look(0.5, 0.9, 0.2), others).value(), 0.5, 1e-12);
  EXPECT_FALSE(stain_shift(SlideLook{}, others));
  EXPECT_FALSE(stain_shift(look(0.5, 0.9, 0.2), {SlideLook{}}));
}

}  // namespace
}  // namespace lamella::tissue
