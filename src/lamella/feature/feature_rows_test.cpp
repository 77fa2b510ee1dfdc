// SPDX-License-Identifier: Apache-2.0
#include "lamella/feature/feature_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lamella::feature {
namespace {

float one(uint16_t half) {
  float value = 0;
  floats_of(std::span(&half, 1), &value);
  return value;
}

TEST(Halves, ByHand) {
  EXPECT_EQ(one(0x0000), 0.0f);
  EXPECT_TRUE(std::signbit(one(0x8000)));
  EXPECT_EQ(one(0x3c00), 1.0f);
  EXPECT_EQ(one(0xc100), -2.5f);
  EXPECT_EQ(one(0x3555), 0.333251953125f);
  EXPECT_EQ(one(0x7bff), 65504.0f);  // the greatest
  EXPECT_EQ(one(0x0400), 0x1p-14f);  // the least that is normal
  EXPECT_EQ(one(0x0001), 0x1p-24f);  // the least
  EXPECT_EQ(one(0x83ff), -1023 * 0x1p-24f);
  EXPECT_EQ(one(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(one(0x7e00)));
}

TEST(Halves, ManyAtOnceAreTheSameAsOneByOne) {
  std::vector<uint16_t> halves;
  for (uint32_t bits = 0; bits < 65536; ++bits) halves.push_back(static_cast<uint16_t>(bits));
  halves.push_back(0x3c00);  // a rest that is not eight
  std::vector<float> floats(halves.size());
  floats_of(halves, floats.data());
  for (size_t k = 0; k < halves.size(); ++k) {
    if (std::isnan(floats[k])) {
      ASSERT_EQ(halves[k] & 0x7c00, 0x7c00);
      continue;
    }
    ASSERT_EQ(floats[k], one(halves[k])) << halves[k];
  }
}

TEST(FeatureRows, AreTheSameWhereverTheyLie) {
  FeatureMatrix matrix;
  matrix.rows = 3;
  matrix.columns = 2;
  matrix.values = {1, -2.5f, 0, 1, 0x1p-24f, 65504};
  matrix.feature_space = "s";
  const HalfMatrix halves{3, 2, {0x3c00, 0xc100, 0, 0x3c00, 1, 0x7bff}, "s"};
  const FeatureRows a = matrix, b = halves;
  EXPECT_FALSE(a.half());
  EXPECT_TRUE(b.half());
  float scratch[2];
  EXPECT_EQ(a.row(1, scratch), matrix.values.data() + 2) << "not copied";
  for (int64_t i = 0; i < 3; ++i) {
    const float* row = b.row(i, scratch);
    EXPECT_EQ(row[0], matrix.row(i)[0]);
    EXPECT_EQ(row[1], matrix.row(i)[1]);
  }
}

}  // namespace
}  // namespace lamella::feature
