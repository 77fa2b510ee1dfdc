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
  EXPECT_EQ(fold_groups(slides).groups, (std::vector<int32_t>{0, 0, 1, 1, 0, 0, 2, 2}));
}

TEST(FoldGroups, AreBlocksAlongTheLongerSideForFewerPatients) {
  // Ten rows along y (the longer side), two a block; given unsorted.
  std::vector<std::pair<int64_t, int64_t>> positions;
  for (const int64_t i : {9, 0, 5, 3, 7, 1, 8, 2, 6, 4}) positions.push_back({i % 2, i * 10});
  const auto rows = rows_at(positions);
  const std::vector<GroupedSlide> slides = {{"p1", rows}};
  EXPECT_EQ(fold_groups(slides).groups, (std::vector<int32_t>{4, 0, 2, 1, 3, 0, 4, 1, 3, 2}));
}

TEST(FoldGroups, KeepTiesTogether) {
  const auto rows = rows_at({{0, 0}, {0, 0}, {0, 0}, {100, 0}, {200, 0}});
  const std::vector<GroupedSlide> slides = {{"p1", rows}};
  EXPECT_EQ(fold_groups(slides).groups, (std::vector<int32_t>{0, 0, 0, 3, 4}));
}

TEST(FoldGroups, RowsThatSharePixelsWithAnotherBlockAreGuarded) {
  // Ten rows 100 px apart, two a block; a field of 150 px reaches the next row, not the one after.
  std::vector<std::pair<int64_t, int64_t>> positions;
  for (int64_t i = 0; i < 10; ++i) positions.push_back({i * 100, 0});
  const auto rows = rows_at(positions);
  const std::vector<GroupedSlide> slides = {{"p1", rows, 150}};
  const FoldGroups made = fold_groups(slides);
  std::vector<classifier::RowGuard> expected;
  for (int64_t row = 0; row < 10; ++row) {
    if (row % 2 == 0 && row > 0) expected.push_back({row, static_cast<int32_t>(row / 2 - 1)});
    if (row % 2 == 1 && row < 9) expected.push_back({row, static_cast<int32_t>(row / 2 + 1)});
  }
  EXPECT_EQ(made.guards, expected);
  // Patches side by side share nothing.
  EXPECT_TRUE(fold_groups(std::vector<GroupedSlide>{{"p1", rows, 100}}).guards.empty());
}

TEST(FoldGroups, StratifiedFoldsSpreadTheRareClass) {
  // Four patients with the rare class, four without: each of four folds gets one of each.
  std::vector<std::string> groups;
  std::vector<int8_t> labels;
  for (int patient = 0; patient < 8; ++patient) {
    for (int row = 0; row < 10; ++row) {
      groups.push_back("p" + std::to_string(patient));
      labels.push_back(patient < 4 && row < 2);
    }
  }
  const auto folds = stratified_folds(groups, labels, 2, 4);
  std::map<int, int> rare, all;
  for (const auto& [name, fold] : folds) {
    ++all[fold];
    rare[fold] += name < "p4";
  }
  for (int fold = 0; fold < 4; ++fold) {
    EXPECT_EQ(rare[fold], 1);
    EXPECT_EQ(all[fold], 2);
  }
}

}  // namespace
}  // namespace lamella::verbs
