// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/colour_profiles.h"

#include <gtest/gtest.h>

namespace lamella::slide {
namespace {

std::optional<ColourProfile> profile(const std::string& name, const std::string& sha256) {
  ColourProfile one;
  one.name = name;
  one.sha256 = sha256;
  return one;
}

TEST(UnlikeProfiles, CountsSlidesOfEach) {
  const auto scanner = profile("scanner", "aa"), nameless = profile("", "bb");
  EXPECT_FALSE(unlike_profiles({}));
  EXPECT_FALSE(unlike_profiles({scanner, profile("another name", "aa")}));
  EXPECT_FALSE(unlike_profiles({{}, {}}));
  EXPECT_EQ(unlike_profiles({scanner, {}, nameless, scanner}),
            "the slides carry 3 different colour profiles (none on 1, 'scanner' on 2, without a "
            "name on 1), which are not applied; expect their colours to differ");
}

}  // namespace
}  // namespace lamella::slide
