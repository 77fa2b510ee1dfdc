// SPDX-License-Identifier: Apache-2.0
// Which rows may part in cross-validation.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lamella/classifier/linear_model.h"
#include "lamella/patch/patch_plan.h"

namespace lamella::verbs {

struct GroupedSlide {
  std::string patient_id;
  std::span<const patch::PatchRow> rows;
  double field_px = 0;  // side of the largest field of view, level-0 px; 0: not known
};

// Which rows may part, and which must not train while others are held out.
struct FoldGroups {
  std::vector<int32_t> groups;               // of each row
  std::vector<classifier::RowGuard> guards;  // of spatial blocks: rows that share pixels
};

inline constexpr int kSpatialBlocks = 5;
inline constexpr int kMinPatientsForFolds = 3;

// A group for every row of every slide, in order. With at least three patients: one group a
// patient. With fewer: five contiguous blocks of about equal row counts along the longer side of
// each slide's rows; block b of every slide is group b; rows at one position stay together; a row
// less than a field of view from another block's rows, both in x and in y, is guarded against it.
FoldGroups fold_groups(std::span<const GroupedSlide> slides);
// Spatial blocks whatever the patients.
FoldGroups spatial_groups(std::span<const GroupedSlide> slides);

// Folds of whole groups (patients) with about equal shares of every class: groups with the rarest
// class first, each onto the fold that it leaves the evenest. Fold of each group, by its name.
// labels and group_of: of each row. Deterministic.
std::map<std::string, int> stratified_folds(std::span<const std::string> group_of,
                                            std::span<const int8_t> labels, int classes, int folds);

}  // namespace lamella::verbs
