// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/scale.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::verbs {
namespace {

TEST(Scale, IsTheMedianAndRefusesAMixture) {
  EXPECT_EQ(training_mpp({{"a", 0.5}, {"b", 0.51}, {"c", 0.505}}), 0.505);
  EXPECT_EQ(training_mpp({{"a", {}}, {"b", {}}}), std::nullopt);
  try {
    training_mpp({{"a", 0.25}, {"b", 0.5}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_NE(error.message().find("a (0.25), b (0.5)"), std::string::npos) << error.message();
  }
  EXPECT_NO_THROW(training_mpp({{"a", 1.0}, {"b", 1.05}}));
  EXPECT_THROW(training_mpp({{"a", 1.0}, {"b", 1.051}}), Error);
  EXPECT_THROW(training_mpp({{"a", 1.0}, {"b", {}}}), Error);
}

TEST(Scale, ReadsOtherSlidesAtTheModelsMpp) {
  slide::SlideInfo info;
  info.path = "b.svs";
  info.mpp = Mpp{0.5, 0.5};
  patch::PatchSpec trained;
  trained.size_px = 50;
  trained.level = 0;
  std::vector<std::string> warnings;
  Context context;
  context.warning = [&](const std::string& text) { warnings.push_back(text); };

  const patch::PatchSpec spec = spec_for_slide(trained, 4.0, info, context);
  EXPECT_EQ(spec.mpp, 4.0);
  EXPECT_FALSE(spec.level);
  EXPECT_EQ(spec.size_px, 50);
  EXPECT_TRUE(warnings.empty());

  EXPECT_EQ(spec_for_slide(trained, {}, info, context).level, 0);
  EXPECT_EQ(warnings.size(), 1u);

  info.mpp.reset();
  EXPECT_THROW(spec_for_slide(trained, 4.0, info, context), Error);
}

}  // namespace
}  // namespace lamella::verbs
