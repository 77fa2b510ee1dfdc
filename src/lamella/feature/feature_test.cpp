// SPDX-License-Identifier: Apache-2.0
#include "lamella/feature/feature.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"

namespace lamella::feature {
namespace {

FeatureMatrix matrix(std::vector<float> values, int64_t columns, const std::string& space) {
  FeatureMatrix made;
  made.columns = columns;
  made.rows = static_cast<int64_t>(values.size()) / columns;
  made.values = std::move(values);
  made.feature_space = space;
  made.precision = "f32";
  return made;
}

TEST(SameSpace, AllowsFivePercentOfMpp) {
  EXPECT_TRUE(same_space("net/abc/50px@4mpp", "net/abc/50px@4mpp"));
  EXPECT_TRUE(same_space("net/abc/50px@1.0000mpp", "net/abc/50px@1.0500mpp"));
  EXPECT_TRUE(same_space("net/abc/50px@1.0500mpp", "net/abc/50px@1.0000mpp"));
  EXPECT_FALSE(same_space("net/abc/50px@1.0000mpp", "net/abc/50px@1.0501mpp"));
  EXPECT_FALSE(same_space("net/abc/50px@1.0000mpp", "net/abc/51px@1.0000mpp"));
  EXPECT_FALSE(same_space("net/abc/50px@1.0000mpp", "net/abd/50px@1.0000mpp"));
  EXPECT_FALSE(same_space("net/abc/50px@level0", "net/abc/50px@level1"));
  EXPECT_FALSE(same_space("net/abc/50px@level0", "net/abc/50px@1.0mpp"));
}

TEST(Concatenate, PutsRowsUnderOneAnother) {
  const std::vector<FeatureMatrix> parts = {matrix({1, 2, 3, 4}, 2, "n@1mpp"),
                                            matrix({5, 6}, 2, "n@1.04mpp"),
                                            matrix({}, 2, "n@1.02mpp")};
  std::string warning = "old";
  const FeatureMatrix all = concatenate(parts, &warning);
  EXPECT_EQ(all.rows, 3);
  EXPECT_EQ(all.columns, 2);
  EXPECT_EQ(all.values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(all.feature_space, "n@1.02mpp");
  EXPECT_EQ(warning, "");
  EXPECT_EQ(concatenate({}, nullptr).rows, 0);
}

TEST(Concatenate, RefusesOtherSpacesAndWarnsOfMixedPrecision) {
  EXPECT_THROW(
      concatenate(std::vector{matrix({1, 2}, 2, "n@1mpp"), matrix({1, 2}, 2, "n@2mpp")}, nullptr),
      Error);
  EXPECT_THROW(
      concatenate(std::vector{matrix({1, 2}, 2, "n@1mpp"), matrix({1, 2}, 1, "n@1mpp")}, nullptr),
      Error);
  std::vector<FeatureMatrix> parts = {matrix({1}, 1, "n"), matrix({2}, 1, "n")};
  parts[1].precision = "bf16";
  std::string warning;
  concatenate(parts, &warning);
  EXPECT_NE(warning.find("f32 and bf16"), std::string::npos);
}

TEST(ScoreMatrix, HasAColumnForEachClass) {
  ScoreMatrix scores{{{"a", "b", "c"}}, {0.1f, 0.7f, 0.2f, 0.4f, 0.2f, 0.4f}};
  EXPECT_EQ(scores.rows(), 2);
  EXPECT_EQ(scores.row(1)[2], 0.4f);
  EXPECT_EQ(scores.column(1), (std::vector<float>{0.7f, 0.2f}));
  EXPECT_THROW(scores.column(3), Error);
  EXPECT_EQ(scores.most_likely(0), 1);
  EXPECT_EQ(scores.most_likely(1), 0) << "the first of equal ones";
  ScoreMatrix all;
  all.append(scores);
  all.append(scores);
  EXPECT_EQ(all.rows(), 4);
  EXPECT_THROW(all.append({{{"a", "b"}}, {0.5f, 0.5f}}), Error);
}

}  // namespace
}  // namespace lamella::feature
