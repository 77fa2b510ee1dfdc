// SPDX-License-Identifier: Apache-2.0
#include "lamella/feature/feature_space.h"

#include <gtest/gtest.h>

namespace lamella::feature {
namespace {

const std::string kOld = "lite0/65bb/rgb-224px-mean127,127,127-std128,128,128-block5/50px@4.0mpp";
const std::string kNew =
    "lite0/65bb/rgb-224px-scaled-first-mean127,127,127-std128,128,128-block5/50px@4.0mpp";

TEST(FeatureSpace, KnowsThoseOfTheEarlierResampling) {
  EXPECT_TRUE(is_before_scale_first(kOld));
  EXPECT_FALSE(is_before_scale_first(kNew));
  for (const char* own : {"", "x", "net/1/64px@0.5000mpp", "px-mean", "a/px-mean", "quantize"}) {
    EXPECT_FALSE(is_before_scale_first(own)) << own;
  }
}

TEST(FeatureSpace, SaysWhichIsTheEarlierOneAndWhatToDo) {
  EXPECT_EQ(earlier_space_advice(kNew, kNew), "");
  EXPECT_EQ(earlier_space_advice("x", kNew), "");
  for (const std::string& advice :
       {earlier_space_advice(kOld, kNew), earlier_space_advice(kNew, kOld)}) {
    EXPECT_NE(advice.find(kOld), std::string::npos);
    EXPECT_NE(advice.find("train again"), std::string::npos);
  }
}

}  // namespace
}  // namespace lamella::feature
