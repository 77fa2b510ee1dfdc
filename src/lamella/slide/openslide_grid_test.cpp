// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "lamella/slide/openslide_grid_internal.h"

namespace lamella::slide {
namespace {

TEST(OpenSlideGrid, WholeDownsamplesNeedNothingBefore) {
  const GridAxis axis = lay_grid(1200, 4);
  EXPECT_EQ(axis.tile_px, 512);
  EXPECT_EQ(axis.shift_px, 0);
  EXPECT_EQ(axis.starts, (std::vector<GridStart>{{0, 0}, {2048, 0}, {4096, 0}}));
}

TEST(OpenSlideGrid, ASmallLevelIsOneTile) {
  const GridAxis axis = lay_grid(37, 8.0851);
  EXPECT_EQ(axis.tile_px, 37);
  EXPECT_EQ(axis.starts, (std::vector<GridStart>{{0, 0}}));
}

// 2.5: every other pixel of the level begins at a whole one of level 0.
TEST(OpenSlideGrid, BeginsWhereTheQuotientIsWhole) {
  const GridAxis axis = lay_grid(1500, 2.5);
  EXPECT_EQ(axis.shift_px, 0);
  EXPECT_EQ(axis.starts, (std::vector<GridStart>{{0, 0}, {1280, 0}, {2560, 0}}));
  // 4097 / 1024: of the first 1024 pixels only the 0th, and those within 1/280 of a quotient.
  for (const GridStart& start : lay_grid(1024, 4097.0 / 1024).starts) {
    const double quotient = static_cast<double>(start.level0_px) / (4097.0 / 1024);
    EXPECT_NEAR(quotient, std::round(quotient), 1.0 / 280);
  }
}

TEST(OpenSlideGrid, ALargeLevelOfAnAwkwardDownsampleSaysHowFarItIsOff) {
  const GridAxis axis = lay_grid(50000, 2.00001);
  EXPECT_EQ(axis.tile_px, 512);
  EXPECT_GT(axis.shift_px, 0.1);
  EXPECT_LE(axis.shift_px, 0.25);
}

}  // namespace
}  // namespace lamella::slide
