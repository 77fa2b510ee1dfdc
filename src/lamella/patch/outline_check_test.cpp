// SPDX-License-Identifier: Apache-2.0
#include "lamella/patch/outline_check.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::patch {
namespace {

// A slide of 1600 x 1600 px whose right lower quarter is tissue.
slide::SlideInfo slide_info() {
  slide::SlideInfo info;
  info.levels.resize(2);
  info.levels[0].size_px = {1600, 1600};
  info.levels[1].size_px = {200, 200};
  info.levels[1].downsample_x = info.levels[1].downsample_y = 8;
  return info;
}

tissue::TissueMask quarter() {
  tissue::TissueMask mask;
  mask.mask = Image(16, 16, 1);
  for (int y = 8; y < 16; ++y) {
    for (int x = 8; x < 16; ++x) mask.mask.row(y)[x] = 255;
  }
  mask.downsample_x = mask.downsample_y = 100;
  mask.index();
  return mask;
}

annotation::AnnotationSet square(double x, double y, double side) {
  annotation::AnnotationSet set;
  set.polygons = {{"p", "Tumor", {{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}}};
  return set;
}

TEST(OutlineCheck, OnTissueItIsSilent) {
  EXPECT_TRUE(check_outlines(square(900, 900, 400), slide_info(), quarter()).empty());
  EXPECT_TRUE(check_outlines(square(700, 700, 300), slide_info(), quarter()).empty());
  EXPECT_TRUE(check_outlines({}, slide_info(), quarter()).empty());
}

TEST(OutlineCheck, OnGlassItSaysWhy) {
  const auto warning = [](double x, double y, double side) {
    const auto warnings = check_outlines(square(x, y, side), slide_info(), quarter());
    return warnings.size() == 1 ? warnings[0] : "";
  };
  EXPECT_EQ(warning(110, 110, 60),
            "the outlines lie where there is hardly any tissue (0.0 % of their boxes); there would "
            "be more if it is as if they were drawn on the level that is 8 times smaller (multiply "
            "by it)");
  EXPECT_NE(warning(900, 200, 300).find("y ran upwards"), std::string::npos);
  EXPECT_NE(warning(20, 700, 20).find("hardly any tissue"), std::string::npos);
  EXPECT_TRUE(
      check_outlines(square(110, 110, 60), slide_info(), tissue::all_tissue(slide_info())).empty());
}

TEST(OutlineCheck, MiraxSlidesTellWhereTheyBegin) {
  slide::SlideInfo info = slide_info();
  info.properties = {{"openslide.bounds-x", "800"}, {"openslide.bounds-y", "800"}};
  const auto warnings = check_outlines(square(100, 100, 400), info, quarter());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("begins at 800, 800 (add these)"), std::string::npos) << warnings[0];
}

}  // namespace
}  // namespace lamella::patch
