// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/fold_groups.h"

#include <gtest/gtest.h>

namespace lamella::verbs {
namespace {

std::vector<patch::PatchRow> rows_at(const std::vector<std::pair<int64_t, int64_t>>& positions) {
  std::vector<patch::PatchRow> rows;
  for (const auto& [x, y] : positions) {
    patch::PatchRow row;
    row.x_px = x;
    row.y_px = y;
    rows.push_back(row);
  }
  return rows;
}

TEST(FoldGroups, ArePatientsWhereThereAreThree) {
  const auto rows = rows_at({{0, 0}, {1, 0}});
  const std::vector<GroupedSlide> slides = {{"p1", rows}, {"p2", rows}, {"P1", rows}, {"p3", rows}};
  EXPECT_EQ(fold_groups(slides), (std::vector<int32_t>{0, 0, 1, 1, 0, 0, 2, 2}));
}

TEST(FoldGroups, AreBlocksAlongTheLongerSideForFewerPatients) {
  // Ten rows along y (the longer side), two a block; given unsorted.
  std::vector<std::pair<int64_t, int64_t>> positions;
  for (const int64_t i : {9, 0, 5, 3, 7, 1, 8, 2, 6, 4}) positions.push_back({i % 2, i * 10});
  const auto rows = rows_at(positions);
  const std::vector<GroupedSlide> slides = {{"p1", rows}};
  EXPECT_EQ(fold_groups(slides), (std::vector<int32_t>{4, 0, 2, 1, 3, 0, 4, 1, 3, 2}));
}

TEST(FoldGroups, KeepTiesTogether) {
  const auto rows = rows_at({{0, 0}, {0, 0}, {0, 0}, {100, 0}, {200, 0}});
  const std::vector<GroupedSlide> slides = {{"p1", rows}};
  EXPECT_EQ(fold_groups(slides), (std::vector<int32_t>{0, 0, 0, 3, 4}));
}

}  // namespace
}  // namespace lamella::verbs
