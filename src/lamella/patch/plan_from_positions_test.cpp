// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/patch/plan_common_internal.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {
namespace {

slide::SlideInfo slide_of_1000_by_800() {
  slide::SlideInfo info;
  info.path = "s.tif";
  info.levels.resize(1);
  info.levels[0].size_px = {1000, 800};
  info.levels[0].downsample_x = info.levels[0].downsample_y = 1;
  info.mpp = Mpp{0.5, 0.5};
  info.mpp_source = slide::MppSource::kVendor;
  return info;
}

TEST(Positions, AreTheRowsInTheirOrder) {
  const slide::SlideInfo info = slide_of_1000_by_800();
  const PatchPlan plan = plan_from_positions(info, "s", {50, {}, 1.0}, tissue::all_tissue(info),
                                             {{700, 10}, {0, 0}, {950, 0}, {-50, -25}});
  ASSERT_EQ(plan.rows.size(), 4u);
  EXPECT_EQ(plan.geometry.extent_x_px, 100);
  EXPECT_EQ(plan.rows[0].x_px, 700);
  EXPECT_EQ(plan.rows[0].y_px, 10);
  EXPECT_EQ(plan.rows[0].label, kNoLabel);
  EXPECT_EQ(plan.rows[1].inside_fraction, 1);
  EXPECT_FLOAT_EQ(plan.rows[2].inside_fraction, 0.5F);
  EXPECT_FLOAT_EQ(plan.rows[3].inside_fraction, 0.375F);
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_EQ(plan.warnings[0], "2 of 4 patches reach outside the slide, where they are white");
}

TEST(Positions, OutsideTheSlideAreAnError) {
  const slide::SlideInfo info = slide_of_1000_by_800();
  for (const Position wrong : {Position{1000, 0}, Position{0, 800}, Position{-50, 0},
                               Position{0, INT64_MIN}, Position{INT64_MAX, 0}}) {
    try {
      plan_from_positions(info, "s", {50, 0, {}}, tissue::all_tissue(info), {{0, 0}, wrong});
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_NE(error.message().find("position 1: "), std::string::npos) << error.message();
      EXPECT_NE(error.message().find("1000 x 800"), std::string::npos) << error.message();
    }
  }
}

TEST(OffTissue, ByHand) {
  PatchPlan plan;
  plan.classes.names = {"normal", "tumor"};
  // Of 'tumor' one of two holds less than half of what lies on the slide (0.2 of 0.3 is more).
  plan.rows = {
      {0, 0, 0.4F, 1, 1}, {0, 0, 0.2F, 1, 0.3F}, {0, 0, 0.5F, 0, 1}, {0, 0, 0, kNoLabel, 1}};
  warn_if_off_tissue(plan);
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_EQ(plan.warnings[0],
            "labelled patches of which the tissue mask holds less than half: 0 of 1 of 'normal' "
            "(0 %), 1 of 2 of 'tumor' (50 %); look at the picture of the tissue");
  plan.warnings.clear();
  plan.rows.assign(11, {0, 0, 1, 1, 1});
  plan.rows[3].tissue_fraction = 0;
  warn_if_off_tissue(plan);
  EXPECT_TRUE(plan.warnings.empty()) << "one of eleven";
}

}  // namespace
}  // namespace lamella::patch
