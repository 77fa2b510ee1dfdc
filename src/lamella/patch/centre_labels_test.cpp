// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {
namespace {

// 50 px at level 0: the first list is tumour, the second has `second`, of this label.
PatchPlan plan_with(const annotation::Centre& second, int8_t label) {
  slide::SlideInfo info;
  info.path = "s.tif";
  info.levels.resize(1);
  info.levels[0].size_px = {500, 400};
  return plan_from_centres(info, "s", {50, 0, {}}, tissue::all_tissue(info),
                           {{{"normal", "tumor"}},
                            {{{{"s", 100, 100, 4}, {"other", 50, 50, 5}}, 1, "tumor.txt"},
                             {{second, {"other", 50, 50, 5}}, label, "second.txt"}}});
}

TEST(CentreLabels, OnePatchHasOne) {
  EXPECT_EQ(plan_with({"s", 101, 100, 9}, 0).rows.size(), 2u);
  try {
    plan_with({"S", 100, 100.5, 9}, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_STREQ(error.what(),
                 "second.txt: line 9: the centre (100, 100.5) of slide 's' is labelled 'normal' "
                 "here and 'tumor' in tumor.txt, line 4; expected one label for each patch");
  }
}

TEST(CentreLabels, TheSameTwiceIsSaid) {
  const PatchPlan twice = plan_with({"s", 100, 100, 9}, 1);
  EXPECT_EQ(twice.rows.size(), 2u);
  EXPECT_EQ(twice.warnings,
            std::vector<std::string>{"1 centres stand in the lists before, and count twice"});
}

}  // namespace
}  // namespace lamella::patch
