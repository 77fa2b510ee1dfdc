// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/area_mean.h"

#include <gtest/gtest.h>

namespace lamella {
namespace {

// 5 px become 3: in thirds of a px, [0, 5), [5, 10), [10, 15).
TEST(AreaAxis, PartsOfPixelsCountByTheirLength) {
  const AreaAxis axis = AreaAxis::whole(5, 3);
  ASSERT_EQ(axis.taps.size(), 3u);
  EXPECT_EQ(axis.weights, (std::vector<int32_t>{3, 2, 1, 3, 1, 2, 3}));
  const int32_t firsts[] = {0, 1, 3}, counts[] = {2, 3, 2};
  for (size_t o = 0; o < 3; ++o) {
    EXPECT_EQ(axis.taps[o].first, firsts[o]);
    EXPECT_EQ(axis.taps[o].count, counts[o]);
    EXPECT_EQ(axis.taps[o].total, 5);
  }
}

TEST(AreaAxis, SumsARowFromAnyOrigin) {
  const AreaAxis axis = AreaAxis::whole(5, 3);
  const uint8_t row[] = {10, 0, 1, 20, 0, 1, 30, 0, 1, 40, 0, 1, 50, 0, 255};
  std::vector<uint64_t> sums(9);
  sum_row(row, 0, axis.taps, axis.weights, sums.data());
  EXPECT_EQ(sums, (std::vector<uint64_t>{70, 0, 5, 150, 0, 5, 230, 0, 767}));
  std::vector<int32_t> last(3);
  sum_row(row + 9, 3, std::span(axis.taps).subspan(2), axis.weights, last.data());
  EXPECT_EQ(last, (std::vector<int32_t>{230, 0, 767}));
}

TEST(RoundedMean, IsHalfUp) {
  EXPECT_EQ(rounded_mean(5, 2), 3);
  EXPECT_EQ(rounded_mean(7, 3), 2);
  EXPECT_EQ(rounded_mean(255 * 7, 7), 255);
}

}  // namespace
}  // namespace lamella
